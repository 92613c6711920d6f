import type { Clock } from '../../core/clock.ts'
import { withCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { RunningJob } from '../../store/queues/deliveries.ts'
import type { Store } from '../../store/store.ts'
import type { Reserved } from '../../store/workers/supervisors.ts'

/** A job that is over sooner is not written to Resque's record of its worker: it costs no command for it. */
const SHOW_AFTER_MS = 50
/** Until it is tried again where Redis could not be reached; those that begin meanwhile wait behind it. */
const RETRY_MS = 1000

/** What {@link ShownJobs} needs. */
export interface ShownJobsOptions {
  store: Store
  clock: Clock
  log: Logger
  supervisorId: () => string | undefined
}

interface Candidate {
  job: RunningJob
  isOver: () => boolean
  dueAtMs: number
}

/** Writes Resque's `worker:` record of jobs that have run for a moment, so that Ruby's pages show them. */
export class ShownJobs {
  readonly #options: ShownJobsOptions
  /** The one that is due first is the first. */
  #candidates: Candidate[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(options: ShownJobsOptions) {
    this.#options = options
  }

  /** @param isOver asked when the job is to be shown */
  add(worker: string, { id, delivery, item }: Reserved, isOver: () => boolean): void {
    const job = { worker, id, delivery, runAtMs: this.#options.clock.now(), bytes: item.length }
    this.#wait({ job, isOver, dueAtMs: performance.now() + SHOW_AFTER_MS })
  }

  #wait(candidate: Candidate): void {
    this.#candidates.push(candidate)
    this.#timer ??= setTimeout(() => void this.#show(), SHOW_AFTER_MS)
  }

  /** Shows nothing more. */
  close(): void {
    clearTimeout(this.#timer)
    this.#candidates = []
  }

  async #show(): Promise<void> {
    const { store, log, supervisorId } = this.#options
    const now = performance.now()
    const next = this.#candidates.findIndex(({ dueAtMs }) => dueAtMs > now)
    const due = this.#candidates.splice(0, next < 0 ? this.#candidates.length : next).filter(({ isOver }) => !isOver())
    const first = this.#candidates[0]
    this.#timer = first && setTimeout(() => void this.#show(), first.dueAtMs - now)
    const id = supervisorId()
    if (due.length === 0 || id === undefined) return
    const jobs = due.map(({ job }) => job)
    await store.supervisors.show(id, jobs).catch((error: unknown) => {
      log.debug(`${jobs.length} jobs are not shown on Resque's pages yet: ${withCode(error)}`)
      const dueAtMs = performance.now() + RETRY_MS
      due.forEach((candidate) => this.#wait({ ...candidate, dueAtMs }))
    })
  }
}
