import { withBackoff, type Clock } from '../../core/clock.ts'
import { hasCode, toError, withCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Store } from '../../store/store.ts'
import type { Delivery, Reserved } from '../../store/workers/supervisors.ts'
import type { LimitRequest, ParentMessage } from '../../messages.ts'

/** What an {@link Admission} needs. */
export interface AdmissionOptions {
  store: Store
  clock: Clock
  log: Logger
  /** The supervisor's id, or undefined when its lease is gone: then no job may start. */
  supervisorId: () => string | undefined
}

/** Whether a job may perform. `held`: a limit was reached, and it waits in the limit's line. `lost`: another worker has it. */
export type Admitted = 'granted' | 'held' | 'lost'

/** Asks Redis whether a job that was taken may perform; while Redis is away it goes on asking, as long as the lease lasts. */
export class Admission {
  readonly #options: AdmissionOptions

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** All that must be granted before a process is started: its limits, and that Redis knows of the start where `mustTell`. */
  async admit(
    job: Delivery,
    limits: readonly LimitRequest[],
    { mustTell, once }: { mustTell: boolean; once: boolean },
  ): Promise<Admitted> {
    const granted = limits.length > 0 ? await this.acquire(job, limits) : 'granted'
    return granted === 'granted' && mustTell ? this.begin(job, once) : granted
  }

  /** Takes a slot of each limit, or of none. */
  async acquire(job: Delivery, limits: readonly LimitRequest[]): Promise<Admitted> {
    const { store, clock } = this.#options
    return this.#ask(job, (id) => store.limits.acquire(id, job, limits, clock.now()))
  }

  /** The job's process is about to start. @param once from here on this delivery is the only one (`delivery: 'at-most-once'`) */
  async begin(job: Delivery, once: boolean): Promise<Admitted> {
    const { supervisors } = this.#options.store
    return this.#ask(job, async (id) => ((await supervisors.begin(id, job, once)) ? 'granted' : 'lost'))
  }

  async #ask(job: Delivery, ask: (supervisor: string) => Promise<Admitted>): Promise<Admitted> {
    const { clock, log, supervisorId } = this.#options
    const attempt = async (): Promise<Admitted> => {
      const id = supervisorId()
      if (id === undefined) return 'lost'
      const answer = await ask(id)
      // A frozen process may read the answer long after it was given.
      return answer === 'granted' && supervisorId() !== id ? 'lost' : answer
    }
    return withBackoff(clock, { firstMs: 50, mostMs: 1000 }, attempt, (error) => {
      if (!hasCode(error, 'ERR_REDIS')) throw error
      log.warn(`job ${job.id}: Redis cannot be asked yet whether it may start: ${withCode(error)}`)
    })
  }
}

/** The keys that a job's process made of its arguments when it was taken before, and had to wait. */
export const limitsOfBefore = ({ limits }: Reserved): LimitRequest[] | undefined =>
  limits === '' ? undefined : (JSON.parse(limits) as LimitRequest[])

/** The answer to a job's process that has asked for its limits. Never rejects: the process waits for it. */
export function limitsAnswer(admitted: Promise<Admitted>): Promise<ParentMessage> {
  return admitted.then(
    (word) => ({ type: 'answer', granted: word === 'granted' }),
    (thrown: unknown) => ({ type: 'answer', granted: false, error: toError(thrown).message }),
  )
}

/** The answer when it has asked for its run's memory; JSON texts by key. Never rejects. */
export function memoryAnswer(ask: number, values: Promise<Record<string, string>>): Promise<ParentMessage> {
  return values.then(
    (texts) => ({ type: 'memory', ask, values: texts }),
    (thrown: unknown) => ({ type: 'memory', ask, error: toError(thrown).message }),
  )
}
