import type { Connection } from './connection/connection.ts'

/** Where a count goes: for ever, or to the present minute or hour. */
export type CountTarget = 'total' | 'minute' | 'hour'

/** A count to add. */
export interface Count {
  target: CountTarget
  /** JSON array of texts, such as `["ended","mail","MailJob","failed","timeout"]`; runtime/metrics/tally.ts makes them. */
  field: string
  /** The field that takes it when the hash is full. */
  other: string
  by: number
}

/** The counts of one minute or hour. */
export interface CountedSpan {
  /** Its first millisecond, since 1970. */
  atMs: number
  counts: Record<string, number>
}

const minuteMs = 60_000
const hourMs = 3_600_000

/** How long the counts of a minute and of an hour are kept: charts of 24 hours and of 14 days. */
export const minutesKeptMs = 25 * hourMs
export const hoursKeptMs = 15 * 24 * hourMs

/** The most fields that one hash may have; about 60 bytes each. `other` fields may come on top, a few dozen. */
const maxFields = 500
/** The most counts that one call may send. */
export const countsAtOnce = 500

/** Counters of jobs: totals, and the same by minute and by hour. Every process adds its own every few seconds. */
export class Metrics {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Adds at most {@link countsAtOnce} counts, all or none. Not idempotent: what got no answer may have been added. */
  async add(counts: readonly Count[], nowMs: number): Promise<void> {
    const about = {
      minute: Math.floor(nowMs / minuteMs),
      hour: Math.floor(nowMs / hourMs),
      maxFields,
      minuteTtlMs: minutesKeptMs,
      hourTtlMs: hoursKeptMs,
    }
    const fields = counts.flatMap(({ target, field, other, by }) => [target, field, other, String(Math.round(by))])
    await this.#connection.run('count', about, fields)
  }

  /** All counts since the first. */
  async totals(): Promise<Record<string, number>> {
    return numbers(await this.#connection.ask((redis, keys) => redis.hgetall(keys.metricsTotal())))
  }

  /** The last `n` minutes, oldest first, the present one last; at most 24 hours. */
  minutes(n: number, nowMs: number): Promise<CountedSpan[]> {
    return this.#spans(Math.min(n, 1440), nowMs, minuteMs, (redis, keys, span) =>
      redis.hgetall(keys.metricsMinute(span)),
    )
  }

  /** The last `n` hours, oldest first, the present one last; at most 14 days. */
  hours(n: number, nowMs: number): Promise<CountedSpan[]> {
    return this.#spans(Math.min(n, 336), nowMs, hourMs, (redis, keys, span) => redis.hgetall(keys.metricsHour(span)))
  }

  async #spans(n: number, nowMs: number, lengthMs: number, read: SpanReader): Promise<CountedSpan[]> {
    const last = Math.floor(nowMs / lengthMs)
    const spans = Array.from({ length: n }, (_, i) => last - n + 1 + i)
    const found = await this.#connection.ask((redis, keys) => Promise.all(spans.map((span) => read(redis, keys, span))))
    return spans.map((span, i) => ({ atMs: span * lengthMs, counts: numbers(found[i]!) }))
  }
}

type Asked = Parameters<Parameters<Connection['ask']>[0]>
type SpanReader = (redis: Asked[0], keys: Asked[1], span: number) => Promise<Record<string, string>>

const numbers = (hash: Record<string, string>): Record<string, number> =>
  Object.fromEntries(Object.entries(hash).map(([field, text]) => [field, Number(text)]))
