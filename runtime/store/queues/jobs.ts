import { jsonObject, textIn } from '../../core/json-text.ts'
import { RuntimeError } from '../../core/errors.ts'
import type { Connection } from '../connection/connection.ts'
import { evidenceJson } from './evidence-text.ts'

/** Where a job is. `held` waits for a slot (concurrency, rate limit). */
export type JobState =
  'waiting' | 'delayed' | 'held' | 'running' | 'done' | 'failed' | 'cancelled' | 'discarded' | 'refused'

/** States a job never leaves. */
export const endStates: readonly JobState[] = ['done', 'failed', 'cancelled', 'discarded', 'refused']

/** What is known of one job: the fields of `rt:job:<id>`, all text, times in milliseconds since 1970. */
export interface JobRecord {
  state: JobState
  class?: string
  queue: string
  /** The queue item's bytes. */
  item: string
  enqueued_at?: string
  due_at?: string
  run_at?: string
  ended_at?: string
  worker?: string
  /** Of the job's process, while or when it ran in one of its own. */
  pid?: string
  attempt?: string
  delivery?: string
  redeliveries?: string
  options?: string
  unique?: string
  /** `<at>/<of> <note>` */
  progress?: string
  /** JSON of the value the job returned, where `keepResult` asked for it. */
  result?: string
  /** Why it failed: promise 9's names. */
  cause?: string
  /** JSON of an ErrorRecord. */
  error?: string
  /** JSON of pid, exit code, signal, times, memory, last lines. */
  evidence?: string
  [field: string]: string | undefined
}

/** The error of a job's or step's record, from its JSON text. A text that is no error's is its message. */
export function storedError(text: string): { name: string; message: string; backtrace?: string[] } {
  const { name = 'Error', message = text, ...more } = (jsonObject(text) ?? {}) as { name?: unknown; message?: unknown }
  return { ...more, name: textIn(name), message: textIn(message) }
}

/** The records of single jobs. */
export class Jobs {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The record, or undefined when there is none, or no longer. */
  async find(id: string): Promise<JobRecord | undefined> {
    const record = await this.#connection.ask((redis, keys) => redis.hgetall(keys.job(id)))
    if (Object.keys(record).length === 0) return undefined
    if (record.evidence !== undefined) record.evidence = evidenceJson(record.evidence)
    return record as unknown as JobRecord
  }

  /** Takes jobs that failed without a worker of their own, at most ten; each is given to one caller. */
  async takeDeaths(): Promise<[id: string, record: JobRecord | undefined][]> {
    const ids = (await this.#connection.ask((redis, keys) => redis.lpop(keys.deaths(), 10))) ?? []
    return Promise.all(ids.map(async (id) => [id, await this.find(id)] as [string, JobRecord | undefined]))
  }

  /** Lines the job logged, oldest first. */
  async log(id: string): Promise<string[]> {
    return this.#connection.ask((redis, keys) => redis.lrange(keys.log(id), 0, -1))
  }

  /** The last line that each of these jobs logged; undefined for one that has logged none. */
  async lastLines(ids: readonly string[]): Promise<(string | undefined)[]> {
    return this.#connection.ask(async (redis, keys) => {
      const lines = await Promise.all(ids.map((id) => redis.lindex(keys.log(id), -1)))
      return lines.map((line) => line ?? undefined)
    })
  }

  /** Adds lines to a job's log, keeping the last `max`. */
  async addLog(id: string, lines: readonly string[], max: number, ttlMs: number): Promise<void> {
    await this.#connection.ask((redis, keys) =>
      redis
        .multi()
        .rpush(keys.log(id), ...lines)
        .ltrim(keys.log(id), -max, -1)
        .pexpire(keys.log(id), ttlMs)
        .exec(),
    )
  }

  /** Sets fields of a running job's record; of a job that has ended it changes nothing. */
  async note(id: string, fields: Record<string, string | number>): Promise<void> {
    await this.#connection.run('note-job', { id }, Object.entries(fields).flat())
  }

  /** Cancels a job that waits; asks for the end of one that runs. See lua/cancel.lua for the reply. */
  async cancel(id: string, nowMs: number, ttlMs: number): Promise<'cancelled' | 'running' | 'unknown' | JobState> {
    return (await this.#connection.run('cancel', { id, now: nowMs, ttlMs, byStop: 0 })) as JobState | 'unknown'
  }

  /** The same for a step whose run is stopped: it is held for a continue instead of failing. */
  async cancelForStop(id: string, nowMs: number, ttlMs: number): Promise<void> {
    await this.#connection.run('cancel', { id, now: nowMs, ttlMs, byStop: 1 })
  }

  /**
   * Waits until the job has ended.
   * @returns the record in an end state, or undefined when the record is gone
   * @throws RuntimeError ERR_TIMEOUT
   */
  async waitForEnd(id: string, timeoutMs: number): Promise<JobRecord | undefined> {
    const deadline = Date.now() + timeoutMs
    for await (const record of this.watch(id, () => Math.min(deadline - Date.now(), 1000))) {
      if (!record || endStates.includes(record.state)) return record
      if (Date.now() >= deadline)
        throw new RuntimeError(
          'ERR_TIMEOUT',
          `job ${id}: expected an end within ${timeoutMs} ms, it is ${record.state}`,
        )
    }
    return undefined
  }

  /**
   * The record now, after each pause of `pauseMs()`, and as soon as the job has ended; undefined when there is no record.
   * It goes on until the caller stops, or the signal aborts.
   */
  async *watch(id: string, pauseMs: () => number, signal?: AbortSignal): AsyncGenerator<JobRecord | undefined, void> {
    let wake = (): void => undefined
    let listening: Promise<(() => void) | undefined> | undefined
    const aborted = (): void => wake()
    signal?.addEventListener('abort', aborted)
    try {
      while (signal?.aborted !== true) {
        yield await this.find(id)
        await new Promise<void>((resolve) => {
          // A message can be missed while the connection is away, so the record is read again after a pause.
          const timer = setTimeout(resolve, Math.max(0, pauseMs()))
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
          if (signal?.aborted === true) wake()
          // Not awaited, since it takes as long as Redis is away; the next look sees a job that ended before it.
          listening ??= this.#connection
            .listen(this.#connection.keys.ended(id), () => wake())
            .then(
              (stop) => {
                wake()
                return stop
              },
              () => undefined,
            )
        })
      }
    } finally {
      signal?.removeEventListener('abort', aborted)
      void listening?.then((stop) => stop?.())
    }
  }
}
