import { clipList } from '../../../config/clip.ts'
import { storedError } from '../../store/queues/jobs.ts'
import { parseLossless } from '../../core/codec.ts'
import { duration, keptMs, type DurationOf } from '../../core/duration.ts'
import { RuntimeError } from '../../core/errors.ts'
import { wireName, type JobDefinition, type ResultOf } from '../../jobs/job.ts'
import { traceSend } from '../../jobs/telemetry.ts'
import { customMemory } from '../../jobs/memory-backend.ts'
import { kindOf } from '../../store/runs/run-kinds.ts'
import type { RunRecord } from '../../store/runs/run-reader.ts'
import { notFound } from '../../store/runs/runs.ts'
import type { RunTarget } from './create-run.ts'
import type { NodeHandle } from '../graph/graph-builder.ts'
import { loadJobs, type RunJob } from './run-jobs.ts'
import { endedRuns, type RunState } from './run-state.ts'

/** Why a run failed: the first node that blocks it, by number, and its error. */
export interface Blocker {
  id: string
  class: string
  error: { name: string; message: string; backtrace?: string[] }
}

/** A job of a run: itself, its handle, its id, or its class where the run has one job of it. */
export type JobRef = RunJob | NodeHandle | string | number | JobDefinition

/**
 * One run of a workflow, whatever front end made its graph. What it shows is as of the last `reload`.
 * @example
 * ```ts
 * const run: WorkflowRun = await findRun('0mb2k3x7f4q8')
 * await run.wait({ timeout: '10m' })
 * console.log(run.status, await run.failures())
 * ```
 */
export class WorkflowRun {
  #target: RunTarget | undefined
  #record: RunRecord | undefined
  #jobs: RunJob[] | undefined

  /** A run as read from the store; `reload` reads its jobs, too. */
  protected attach(target: RunTarget, record: RunRecord): this {
    this.#target = target
    this.#record = record
    this.#jobs = undefined
    return this
  }

  /** A handle of a run by its id. @throws RuntimeError ERR_NOT_FOUND */
  static async open(target: RunTarget, id: string): Promise<WorkflowRun> {
    const record = await target.store.runs.read.find(id)
    if (!record) throw notFound(id)
    return WorkflowRun.of(target, record)
  }

  /** A handle of a run that was read. */
  static of(target: RunTarget, record: RunRecord): WorkflowRun {
    return new WorkflowRun().attach(target, record)
  }

  /** The run's id, for `findRun` and `runtime workflow show`. */
  get id(): string {
    return this.record.id
  }

  /** `pending`, `running`, `finished`, `failed` or `stopped`. */
  get status(): RunState {
    return this.record.status
  }

  /** Its record: class, times, how many jobs are in each state. */
  get record(): RunRecord {
    if (!this.#record)
      throw new RuntimeError(
        'ERR_STATE',
        `${this.constructor.name}: expected a run made by create() or find(); this one is only being configured`,
      )
    return this.#record
  }

  /** All jobs with their states, in the order of the graph. Known after `create`, `find`, `wait` and `reload`. */
  get jobs(): RunJob[] {
    if (!this.#jobs) throw new RuntimeError('ERR_STATE', `run ${this.id}: its jobs were not read; call reload() first`)
    return this.#jobs
  }

  /** Sets a pending run going. @throws RuntimeError ERR_STATE when it was started before, or another run of a unique class is under way */
  async start(): Promise<this> {
    const { store, clock } = this.#open()
    const operation = { name: 'start', type: 'send', queue: this.record.class, run: this.id } as const
    await traceSend(operation, () => store.runs.start(this.id, clock.now()))
    return this.#refresh()
  }

  /** Reads the run and its jobs again. @throws RuntimeError ERR_NOT_FOUND when it is gone */
  async reload(): Promise<this> {
    await this.#refresh()
    this.#jobs = await loadJobs(this.#open().store.runs.read, this.record)
    return this
  }

  /** Reads the run again, without its jobs: costs the same for a run of any size. */
  async reloadRecord(): Promise<this> {
    return this.#refresh()
  }

  /** Stops it: nothing more of it starts, and running jobs are asked to stop. */
  async stop(): Promise<this> {
    const { store, clock, recordTtlMs } = this.#open()
    await store.runs.stop(this.id, clock.now())
    for await (const jobs of store.runs.read.owners(this.id))
      await Promise.all(jobs.map((job) => store.jobs.cancelForStop(job, clock.now(), recordTtlMs)))
    return this.#refresh()
  }

  /** Runs the failed jobs again, and what hung on them; what has finished stays finished. */
  async continue(): Promise<this> {
    const { store, clock } = this.#open()
    await store.runs.resume(this.id, clock.now())
    return this.#refresh()
  }

  /** Runs one failed job again. */
  async retry(job: JobRef): Promise<this> {
    const { store, clock } = this.#open()
    await store.runs.decide(this.id, await this.#indexOf(job), 'retry', clock.now())
    return this.#refresh()
  }

  /** Lets what hangs on a job go on without it. */
  async skip(job: JobRef): Promise<this> {
    const { store, clock } = this.#open()
    await store.runs.decide(this.id, await this.#indexOf(job), 'skip', clock.now())
    return this.#refresh()
  }

  /** Waits for the end of the run, whichever. @throws RuntimeError ERR_TIMEOUT, ERR_NOT_FOUND */
  async wait<D extends string>(options: { timeout?: DurationOf<D>; signal?: AbortSignal } = {}): Promise<this> {
    const timeoutMs = options.timeout === undefined ? Infinity : duration(options.timeout, 'timeout of wait')
    const { store, clock } = this.#open()
    const deadline = clock.now() + timeoutMs
    let wake = new AbortController()
    const stop = await store.runs.read.listen(this.id, () => wake.abort())
    try {
      for (;;) {
        wake = new AbortController()
        await this.#refresh()
        if (endedRuns.includes(this.status)) return await this.reload()
        const leftMs = deadline - clock.now()
        if (leftMs <= 0 || options.signal?.aborted) {
          throw new RuntimeError(
            'ERR_TIMEOUT',
            `run ${this.id}: expected its end within ${timeoutMs} ms, it is ${this.status}`,
          )
        }
        // A message can be missed while the connection is away: look again now and then.
        await clock.sleep(Math.min(leftMs, 500), wake.signal)
      }
    } finally {
      stop()
    }
  }

  /** Keeps the run this long after its end (from now, when it has ended); -1 for ever. */
  async expire<D extends string>(ttl: DurationOf<D>): Promise<this> {
    const { store, clock } = this.#open()
    await store.runs.expire(this.id, keptMs(ttl, 'expire'), clock.now())
    return this.#refresh()
  }

  /** Removes the run, which must not be running. */
  async destroy(): Promise<void> {
    await this.#open().store.runs.destroy(this.id)
    if (this.record.fields.memory !== undefined) await customMemory()?.clear(this.id)
  }

  /**
   * What a job returned, typed where its class is given; undefined where it returned nothing, or has not finished.
   * @throws RuntimeError ERR_ARGUMENT for a class of which the run has no job, or several
   */
  async output<J extends JobDefinition>(job: J): Promise<ResultOf<J> | undefined>
  async output(job: JobRef): Promise<unknown>
  async output(job: JobRef): Promise<unknown> {
    const [text] = await this.#open().store.runs.read.texts(this.id, 'outputs', [await this.#indexOf(job)])
    return text === undefined ? undefined : parseLossless(text)
  }

  /** Failed jobs and their errors, by number, at most `max`; the first is the run's blocking node. */
  async failures(max = 100): Promise<Blocker[]> {
    const { read } = this.#open().store.runs
    const failed = await read.failed(this.id, max)
    const [rows, kinds] = await Promise.all([
      read.nodesAt(
        this.id,
        failed.map(({ index }) => index),
      ),
      read.kinds(this.id),
    ])
    return failed.map(({ index, error }, i) => ({
      id: String(index),
      class: kindOf(kinds, rows[i]).class,
      error: storedError(error),
    }))
  }

  #open(): RunTarget {
    if (!this.#target)
      throw new RuntimeError(
        'ERR_STATE',
        `${this.constructor.name}: expected a run made by create() or find(); this one is only being configured`,
      )
    return this.#target
  }

  async #indexOf(job: JobRef): Promise<number> {
    if (typeof job !== 'function') return indexOf(job)
    const name = wireName(job)
    // Read again: a job may have been added since the last `reload`.
    const jobs = await loadJobs(this.#open().store.runs.read, await this.#refresh().then(() => this.record))
    const ids = jobs.filter((each) => each.class === name).map(({ id }) => id)
    if (ids.length === 1) return Number(ids[0])
    const found = ids.length === 0 ? 'none' : `${ids.length} (${clipList(ids, 5)})`
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `run ${this.id}: expected one job of class ${name}, got ${found}; give the id of a job of this run`,
    )
  }

  async #refresh(): Promise<this> {
    const record = await this.#open().store.runs.read.find(this.id)
    if (!record) throw notFound(this.id)
    this.#record = record
    return this
  }
}

function indexOf(job: Exclude<JobRef, JobDefinition>): number {
  const id = typeof job === 'object' ? job.id : String(job)
  if (/^\d{1,9}$/.test(id)) return Number(id)
  throw new RuntimeError('ERR_ARGUMENT', `expected a job of the run, its handle or its id, got ${JSON.stringify(job)}`)
}
