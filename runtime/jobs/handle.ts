import { parseLossless } from '../core/codec.ts'
import { duration, shown, type DurationOf } from '../core/duration.ts'
import { RuntimeError } from '../core/errors.ts'
import { endStates, type JobRecord, type JobState, storedError } from '../store/queues/jobs.ts'
import type { Store } from '../store/store.ts'

/**
 * What a job is doing.
 * @example
 * ```ts
 * const isOver = ({ state }: JobStatus) => ['done', 'failed', 'cancelled', 'discarded'].includes(state)
 * const over = isOver(await findJob('0mb2k3x7f4q8').status())
 * ```
 */
export interface JobStatus {
  /** The job's id. */
  id: string
  /** `unknown` when nothing is known of it: it never was, or its record's time is over. */
  state: JobState | 'unknown'
  /** The queue it is or was on. */
  queue?: string
  /** How often it was started: 0 before its first start, 1 in its first attempt. */
  attempt: number
  /** When it was enqueued. */
  enqueuedAt?: Date
  /** When it is due, while it is delayed. */
  dueAt?: Date
  /** When its last attempt started. */
  startedAt?: Date
  /** When it reached one of its end states. */
  endedAt?: Date
  /** The id of the worker that runs or ran it. */
  worker?: string
  /** What it last reported by `this.progress(at, of, note)`. */
  progress?: { at: number; of: number; note: string }
  /** Why it failed: `exception`, `timeout`, `memory`, `signal`, `exit code`, `cancelled`, `lease lost`, `worker lost`. */
  cause?: string
  /** The error of its last failed attempt. */
  error?: { name: string; message: string }
}

/**
 * A job that was enqueued.
 * @example
 * ```ts
 * const handle = await enqueue(ReminderJob, 'u1')
 * const { state, progress } = await handle.status()
 * const result = await handle.result({ timeout: '1m' })
 * await handle.cancel() // false: it has ended
 * ```
 */
export class JobHandle<R = unknown> {
  /** The job's id, for `findJob` and `runtime job show`. */
  readonly id: string
  /** True when a unique job of the same key, or a job of the given id, was there already: this handle is that job's. */
  readonly duplicate: boolean
  /** False when a beforeEnqueue hook stopped it: nothing was written. */
  readonly accepted: boolean
  readonly #store: Store
  readonly #ttlMs: number

  constructor(store: Store, id: string, about: { recordTtlMs: number; duplicate?: boolean; accepted?: boolean }) {
    this.#store = store
    this.id = id
    this.#ttlMs = about.recordTtlMs
    this.duplicate = about.duplicate ?? false
    this.accepted = about.accepted ?? true
  }

  /** What the job is doing now. */
  async status(): Promise<JobStatus> {
    return statusOf(this.id, await this.#store.jobs.find(this.id))
  }

  /**
   * Waits for the end, and gives what `perform` returned where `keepResult` kept it, else undefined.
   * @throws RuntimeError ERR_ARGUMENT for other options, ERR_JOB_FAILED with the job's own error as cause, ERR_TIMEOUT (after 30 s by default), ERR_NOT_FOUND
   */
  async result<D extends string>(options: { timeout?: DurationOf<D> } = {}): Promise<R | undefined> {
    const { timeout, ...others } = options ?? {}
    const [other] = Object.keys(others)
    if (other !== undefined || typeof options !== 'object' || options === null)
      throw new RuntimeError('ERR_ARGUMENT', `result(options): expected { timeout }, got ${shown(other ?? options)}`)
    const record = await this.#store.jobs.waitForEnd(this.id, duration(timeout ?? '30s', 'result({ timeout })'))
    if (!record)
      throw new RuntimeError('ERR_NOT_FOUND', `job ${this.id}: found no record; it has expired, or never existed`)
    if (record.state !== 'failed' && record.state !== 'cancelled') {
      return record.result === undefined ? undefined : (parseLossless(record.result) as R)
    }
    const error = record.error === undefined ? undefined : storedError(record.error)
    const why = error ? `${error.name}: ${error.message}` : (record.cause ?? record.state)
    throw new RuntimeError('ERR_JOB_FAILED', `job ${this.id} ${record.state}: ${why}`, { cause: error })
  }

  /**
   * The status now and after each change, up to the end of the job. Progress is looked for every `every` (250 ms by
   * default); the end is noticed at once. A job without a record gives one status, `unknown`.
   * @param options.signal stops the iteration without an error, for example when a browser has closed its connection
   * @throws RuntimeError ERR_ARGUMENT
   */
  async *events<D extends string>(
    options: { every?: DurationOf<D>; signal?: AbortSignal } = {},
  ): AsyncGenerator<JobStatus, void> {
    const { every, signal, ...others } = options ?? {}
    const [other] = Object.keys(others)
    if (other !== undefined || typeof options !== 'object' || options === null)
      throw new RuntimeError(
        'ERR_ARGUMENT',
        `events(options): expected { every, signal }, got ${shown(other ?? options)}`,
      )
    const pauseMs = duration(every ?? 250, 'events({ every })')
    let last = ''
    for await (const record of this.#store.jobs.watch(this.id, () => pauseMs, signal)) {
      const status = statusOf(this.id, record)
      const text = JSON.stringify(status)
      if (text !== last) yield status
      last = text
      if (status.state === 'unknown' || endStates.includes(status.state)) return
    }
  }

  /**
   * The same as server-sent events, for a web page: `new Response(handle.eventStream(), { headers: { 'content-type': 'text/event-stream' } })`.
   * The data of each event is the status as JSON. The last one has the name `end`. Cancelling the stream stops it.
   * Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
   */
  eventStream<D extends string>(options: { every?: DurationOf<D> } = {}): ReadableStream<Uint8Array> {
    const stop = new AbortController()
    const events = this.events({ ...options, signal: stop.signal })
    const encoder = new TextEncoder()
    return new ReadableStream({
      pull: async (controller) => {
        const { value, done } = await events.next()
        if (done === true) return controller.close()
        const ended = value.state === 'unknown' || endStates.includes(value.state)
        controller.enqueue(encoder.encode(`${ended ? 'event: end\n' : ''}data: ${JSON.stringify(value)}\n\n`))
      },
      cancel: () => stop.abort(),
    })
  }

  /** The lines it logged. */
  async log(): Promise<string[]> {
    return this.#store.jobs.log(this.id)
  }

  /**
   * Cancels it, wherever it is. A waiting or delayed job is cancelled when this resolves (true); a running one has been
   * asked to stop and is killed when it does not (true, wait for `result`); one that has ended is left alone (false).
   */
  async cancel(): Promise<boolean> {
    const reply = await this.#store.jobs.cancel(this.id, Date.now(), this.#ttlMs)
    return reply === 'cancelled' || reply === 'running'
  }
}

/** A record as a status; `unknown` without a record. */
export function statusOf(id: string, record: JobRecord | undefined): JobStatus {
  if (!record) return { id, state: 'unknown', attempt: 0 }
  const date = (text: string | undefined): Date | undefined => (text === undefined ? undefined : new Date(Number(text)))
  const progress = /^(\S+)\/(\S+) ?(.*)$/s.exec(record.progress ?? '')
  return {
    id,
    state: record.state,
    queue: record.queue,
    attempt: Number(record.attempt ?? 0),
    enqueuedAt: date(record.enqueued_at),
    dueAt: record.state === 'delayed' ? date(record.due_at) : undefined,
    startedAt: date(record.run_at),
    endedAt: date(record.ended_at),
    worker: record.worker,
    progress: progress ? { at: Number(progress[1]), of: Number(progress[2]), note: progress[3] ?? '' } : undefined,
    cause: record.cause,
    error: record.error === undefined ? undefined : storedError(record.error),
  }
}
