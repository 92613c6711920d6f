import type { Clock } from '../../core/clock.ts'
import { hasCode, withCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Store } from '../../store/store.ts'
import type { Delivery } from '../../store/workers/supervisors.ts'
import type { LimitRequest } from '../../wire.ts'

/** What an {@link Admission} needs. */
export interface AdmissionOptions {
  store: Store
  clock: Clock
  log: Logger
  /** The supervisor's id, or undefined when its lease is gone: then no job may start. */
  supervisorId: () => string | undefined
}

/** Whether a job may perform. `held`: it waits for its turn elsewhere. `lost`: it is another's now. */
export type Admitted = 'granted' | 'held' | 'lost'

/** Asks Redis whether a job that was taken may perform; while Redis is away it goes on asking, as long as the lease lasts. */
export class Admission {
  readonly #options: AdmissionOptions

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** Takes all permits, or none. */
  async acquire(job: Delivery, permits: readonly LimitRequest[]): Promise<Admitted> {
    const { store, clock } = this.#options
    return this.#ask(job, (id) => store.limits.acquire(id, job, permits, clock.now()))
  }

  /** The job's process is about to start. @param once from here on this delivery is the only one (`delivery: 'at-most-once'`) */
  async begin(job: Delivery, once: boolean): Promise<Admitted> {
    const { supervisors } = this.#options.store
    return this.#ask(job, async (id) => ((await supervisors.begin(id, job, once)) ? 'granted' : 'lost'))
  }

  async #ask(job: Delivery, ask: (supervisor: string) => Promise<Admitted>): Promise<Admitted> {
    const { clock, log, supervisorId } = this.#options
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 1000)) {
      const id = supervisorId()
      if (id === undefined) return 'lost'
      try {
        const answer = await ask(id)
        // A frozen process may read the answer long after it was given.
        return answer === 'granted' && supervisorId() !== id ? 'lost' : answer
      } catch (error) {
        if (!hasCode(error, 'ERR_REDIS')) throw error
        log.warn(`job ${job.id}: whether it may start cannot be asked yet: ${withCode(error)}`)
        await clock.sleep(pauseMs)
      }
    }
  }
}
