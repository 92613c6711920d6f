import { jsonObject, textIn } from '../core/json-text.ts'
import { clip } from '../../config/clip.ts'
import type { Connection } from './connection/connection.ts'

/** One change that a person made on the dashboard. */
export interface AuditLine {
  /** Milliseconds since 1970. */
  atMs: number
  user: string
  /** The name of the action, such as `queue-pause`. */
  action: string
  /** One sentence of what was done. */
  note: string
}

/** Lines that are kept, and how long one may be. */
const kept = 2000
const longestNote = 1000

/** Who has changed what on the dashboard. */
export class Audit {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async add({ note, ...line }: AuditLine): Promise<void> {
    const text = JSON.stringify({ ...line, note: clip(note, longestNote) })
    await this.#connection.ask((redis, keys) =>
      redis
        .multi()
        .lpush(keys.audit(), text)
        .ltrim(keys.audit(), 0, kept - 1)
        .exec(),
    )
  }

  /** Lines from `start`, newest first. */
  async list(start: number, count: number): Promise<AuditLine[]> {
    const lines = await this.#connection.ask((redis, keys) => redis.lrange(keys.audit(), start, start + count - 1))
    return lines.flatMap((line) => {
      const read = jsonObject(line) as Record<keyof AuditLine, unknown> | undefined
      if (!read) return []
      const [user, action, note] = [read.user, read.action, read.note].map(textIn) as [string, string, string]
      return { atMs: Number(read.atMs) || 0, user, action, note }
    })
  }

  async count(): Promise<number> {
    return this.#connection.ask((redis, keys) => redis.llen(keys.audit()))
  }
}
