import type { JobRun } from './job-run.ts'
import type { KillReason } from '../outcome/verdict.ts'

/** How many asked-for cancellations of jobs that are not here are remembered. */
const EARLY_MAX = 100

/** The jobs that a supervisor has taken and whose end is not recorded yet. */
export class RunningJobs {
  readonly #runs = new Map<string, JobRun>()
  /** Asked to be cancelled before they arrived here: the call is faster than the reply that brings the job. */
  readonly #early = new Set<string>()

  get size(): number {
    return this.#runs.size
  }

  get all(): JobRun[] {
    return [...this.#runs.values()]
  }

  find(id: string): JobRun | undefined {
    return this.#runs.get(id)
  }

  get ids(): ReadonlySet<string> {
    return new Set(this.#runs.keys())
  }

  get pids(): number[] {
    return this.all.map((run) => run.pid).filter((pid) => pid !== undefined)
  }

  add(run: JobRun): void {
    this.#runs.set(run.job.id, run)
    if (this.#early.delete(run.job.id)) run.kill('cancelled')
  }

  remove(run: JobRun): void {
    // The same job may be here again already, in another slot.
    if (this.#runs.get(run.job.id) === run) this.#runs.delete(run.job.id)
  }

  cancel(id: string): void {
    if (!this.#runs.has(id)) this.#early.add(id)
    this.#runs.get(id)?.kill('cancelled')
    // What is not ours, or was over, is forgotten: the next heartbeat finds what was missed.
    if (this.#early.size > EARLY_MAX) this.#early.clear()
  }

  /** @param graceMs in place of the configured grace */
  killAll(reason: KillReason, graceMs?: number): void {
    this.#runs.forEach((run) => run.kill(reason, graceMs))
  }
}
