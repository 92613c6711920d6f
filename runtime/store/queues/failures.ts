import { isUtf8 } from 'node:buffer'
import { decodeItem, digestOf } from '../../core/codec.ts'
import { formatFailedAt } from './resque-time.ts'
import { RuntimeError } from '../../core/errors.ts'
import { jsonArray, jsonObject, rawMembers, textIn } from '../../core/json-text.ts'
import type { Connection } from '../connection/connection.ts'

/** What a failed entry says. Beyond Resque's own members (the first seven) it carries what promise 9 asks for. */
export interface Failure {
  failedAtMs: number
  /** The queue item's bytes; garbage, which names no class, is kept whole as the argument of a class `(garbage)`. */
  item: string
  exception: string
  error: string
  backtrace: string[]
  worker: string
  queue: string
  id?: string
  cause?: string
  evidence?: object
  attempts?: object[]
}

/** An entry of the failed list, read. */
export interface FailedEntry {
  index: number
  /** SHA-1 of the entry's bytes: names it safely while indexes shift. */
  digest: string
  failed_at: string
  /** The payload's exact text. */
  payload: string
  /** The payload as JavaScript reads it, which may round numbers; undefined where it is no object. Not enumerable. */
  job?: { class?: unknown; args?: unknown } | undefined
  exception: string
  error: string
  backtrace: string[]
  worker: string
  queue: string
  retried_at?: string
  id?: string
  cause?: string
  evidence?: Record<string, unknown>
  attempts?: Record<string, unknown>[]
}

/** Entries that were read, and how many bytes were looked at for them. */
export interface ReadFailures {
  entries: FailedEntry[]
  bytes: number
}

/** The failed entry's JSON, in Resque's order of members, the payload's bytes untouched (resque's failure/redis.rb). */
export function encodeFailure(failure: Failure): string {
  const { failedAtMs, item, exception, error, backtrace, worker, queue, ...more } = failure
  const payload = 'reason' in decodeItem(item) ? `{"class":"${garbageClass}","args":[${JSON.stringify(item)}]}` : item
  const head = `{"failed_at":${JSON.stringify(formatFailedAt(new Date(failedAtMs)))},"payload":${payload}`
  return `${head},${JSON.stringify({ exception, error, backtrace, worker, queue, ...more }).slice(1)}`
}

/** Ruby's web page and its requeue read a payload as an object with a class: what is none is shown inside one. */
const garbageClass = '(garbage)'
/** The queue of an entry whose delayed item names none: Ruby's requeue stops at an entry without a queue. */
const noQueue = '(none)'

const removedAtOnce = 100

/** Reads an entry; `undefined` for one that is not a JSON object, such as the blank a Ruby removal leaves for a moment. */
export function decodeFailure(bytes: Buffer | string, index: number): FailedEntry | undefined {
  const text = bytes.toString()
  const read = jsonObject(text)
  if (!read) return undefined
  const { payload: job, ...rest } = withTexts(read) as { payload?: unknown }
  let [payload, digest]: (string | undefined)[] = []
  const entry = {
    ...(rest as Omit<FailedEntry, 'index' | 'payload' | 'digest' | 'job'>),
    index,
    // Of thousands of entries that are looked at, few are shown or changed: both cost more than all else of an entry.
    get payload() {
      return (payload ??= rawMembers(text).get('payload') ?? 'null')
    },
    get digest() {
      return (digest ??= digestOf(bytes))
    },
  }
  return Object.defineProperty(entry, 'job', { value: isMap(job) ? job : undefined })
}

/** Texts that an entry of ours has, and may have; any producer may have put another value there, or none. */
const texts = ['failed_at', 'exception', 'error', 'worker', 'queue'] as const
const optionalTexts = ['retried_at', 'id', 'cause'] as const

/** An entry in whose members what {@link FailedEntry} says is what there is. */
function withTexts(read: object): object {
  const entry: Record<string, unknown> = { ...read }
  const { backtrace, evidence, attempts } = entry
  for (const name of texts) entry[name] = textIn(entry[name])
  for (const name of optionalTexts) {
    const text = textIn(entry[name])
    if (text === '') delete entry[name]
    else entry[name] = text
  }
  entry['backtrace'] = [backtrace ?? []].flat().map(textIn)
  if (!isMap(evidence)) delete entry['evidence']
  if (attempts !== undefined) entry['attempts'] = [attempts].flat().filter(isMap)
  return entry
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The failed list, oldest first, as Resque's default failure backend keeps it. */
export class Failures {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Adds an entry, keeping the last `max`. */
  async add(failure: Failure, max: number): Promise<void> {
    await this.#connection.ask((redis, keys) =>
      redis.multi().rpush(keys.failed(), encodeFailure(failure)).ltrim(keys.failed(), -max, -1).exec(),
    )
  }

  /** How many entries there are. */
  async count(): Promise<number> {
    return this.#connection.ask((redis, keys) => redis.llen(keys.failed()))
  }

  /** Entries from `start` (0 = oldest; negative counts from the newest). Unreadable ones are left out. */
  async list(start = 0, count = 100): Promise<FailedEntry[]> {
    const total = await this.count()
    const from = start < 0 ? Math.max(total + start, 0) : start
    const texts = await this.#connection.ask((redis, keys) => redis.lrangeBuffer(keys.failed(), from, from + count - 1))
    return texts.map((text, i) => decodeFailure(text, from + i)).filter((entry) => entry !== undefined)
  }

  /**
   * Entries `from` to `to`, both included, newest first, each with its text as stored. `decode` decides by the text which
   * are read: reading costs much more than looking.
   */
  async newestFirst(from: number, to: number, decode: (text: string) => boolean): Promise<ReadFailures> {
    const texts = await this.#connection.ask((redis, keys) => redis.lrangeBuffer(keys.failed(), from, to))
    const entries = texts.flatMap((bytes, i) =>
      decode(bytes.toString()) ? (decodeFailure(bytes, from + i) ?? []) : [],
    )
    return { entries: entries.reverse(), bytes: texts.reduce((sum, { length }) => sum + length, 0) }
  }

  /**
   * Puts the entry's job back on its queue, with the options of its call, and marks the entry `retried_at`, in one step; the entry stays, as in
   * Resque. A unique job takes its lock again. Bytes that are not UTF-8 go back as they came, as long as Redis has them.
   * @param take true: the entry goes from the list in the same step, in place of being marked
   * @returns false when the list changed under the caller's feet
   * @throws RuntimeError ERR_STATE when another job holds its unique lock, or when the entry names no queue
   */
  async retry(entry: FailedEntry, newId: string, nowMs: number, ttlMs: number, take = false): Promise<boolean> {
    if (entry.queue === noQueue)
      throw new RuntimeError(
        'ERR_STATE',
        `failed job ${entry.index}: expected an entry with a queue; its delayed item names none. Enqueue the job with a queue, then remove the entry`,
      )
    return this.#retried(entry, await this.#itemBytes(entry), newId, nowMs, ttlMs, take)
  }

  /** What goes back on the queue: from the job's record, or from the entry's own bytes, where its text has lost some. */
  async #itemBytes({ index, id, digest, payload }: FailedEntry): Promise<string | Buffer> {
    const item = itemOf(payload)
    if (!item.includes('\ufffd')) return item
    const [kept, entry] = await this.#connection.ask((redis, keys) =>
      Promise.all([
        id === undefined ? null : redis.hgetBuffer(keys.job(id), 'item').catch(() => null),
        redis.lindexBuffer(keys.failed(), index),
      ]),
    )
    if (kept && !isUtf8(kept) && (kept.toString() === item || itemOf(kept.toString()) === item)) return kept
    if (!entry || isUtf8(entry) || decodeFailure(entry, index)?.digest !== digest) return item
    // Of one byte a character, so that each byte stays itself: JSON's own signs are ASCII.
    const bytes = Buffer.from(itemOf(decodeFailure(entry.toString('latin1'), index)!.payload), 'latin1')
    return bytes.toString() === item ? bytes : item
  }

  /** Marks the entry `retried_at` and nothing more: its job was put back by other means (a step, by its run). */
  async markRetried(entry: FailedEntry, nowMs: number): Promise<boolean> {
    return this.#retried(entry, '', '', nowMs, 0)
  }

  async #retried(
    entry: FailedEntry,
    item: string | Buffer,
    newId: string,
    nowMs: number,
    ttlMs: number,
    take = false,
  ): Promise<boolean> {
    const { index, digest, queue, id = '' } = entry
    const retriedAt = formatFailedAt(new Date(nowMs))
    const asked = { index, digest, id, queue, item, retriedAt, newId, now: nowMs, ttlMs, take: take ? 1 : 0 }
    const reply = await this.#connection.run('retry-failed', asked)
    const [, holder] = /^held (.+)$/.exec(String(reply)) ?? []
    if (holder !== undefined)
      throw new RuntimeError(
        'ERR_STATE',
        `failed job ${index}: expected no other job of its unique key, job ${holder} waits or runs; retry it when that has ended`,
      )
    return reply === 'ok'
  }

  /** Removes an entry. @returns false when the list changed under the caller's feet */
  async remove(entry: FailedEntry): Promise<boolean> {
    return (await this.removeMany([entry])) === 1
  }

  /** Removes entries. @returns how many: those whose index has changed meanwhile stay */
  async removeMany(entries: readonly FailedEntry[]): Promise<number> {
    // From the end: indexes before a removed entry stay as they are.
    const last = [...entries].sort((a, b) => b.index - a.index)
    let removed = 0
    for (let at = 0; at < last.length; at += removedAtOnce) {
      const some = last.slice(at, at + removedAtOnce).flatMap(({ index, digest }) => [index, digest])
      removed += Number(await this.#connection.run('remove-failed', {}, some))
    }
    return removed
  }

  /** Removes all entries. @returns how many @throws RuntimeError ERR_REPLY where the list is of another type: then it stays */
  async clear(): Promise<number> {
    if ((await this.count()) === 0) return 0
    const replies = await this.#connection.ask((redis, keys) =>
      redis.multi().llen(keys.failed()).unlink(keys.failed()).exec(),
    )
    return Number(replies![0]![1])
  }
}

/** What goes back on the queue: class and args only, as Resque's requeue does, their text unchanged; garbage as it came. */
function itemOf(payload: string): string {
  if (!jsonObject(payload)) return payload
  const raw = rawMembers(payload)
  const [className, args] = [raw.get('class'), raw.get('args')]
  const [whole] = className === JSON.stringify(garbageClass) ? jsonArray(args) : []
  if (typeof whole === 'string') return whole
  return className === undefined ? payload : `{"class":${className},"args":${args ?? '[]'}}`
}
