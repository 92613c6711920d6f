import { createLogger, type Logger } from '../../runtime/core/logger.ts'
import type { Settlement } from '../../runtime/store/workers/supervisors.ts'
import type { Store } from '../../runtime/store/store.ts'
import { reserveOne } from '../support/reserve.ts'

/** A job to end, in words of the test. */
export interface Ended {
  id?: string
  class?: string
  /** JSON text of the arguments. */
  args?: string
  /** The whole item, for what is no job. */
  item?: string
  state?: Settlement['state']
  fields?: Record<string, string>
  endedAtMs?: number
  queue?: string
}

let ids = 0

/** Enqueues, takes and ends a job through the real scripts, as a worker would, without any process. @returns its id */
export async function endJob(store: Store, ended: Ended = {}): Promise<string> {
  const { class: name = 'MailJob', args = '[]', state = 'done', queue = 'q', endedAtMs = Date.now() } = ended
  const worker = 'host:1:q'
  await store.supervisors.register('test', [worker], {}, 600_000)
  ids += 1
  const id = ended.id ?? `job${ids}`
  const item = ended.item ?? `{"class":${JSON.stringify(name)},"args":${args}}`
  await store.connection.redis.rpush(store.connection.keys.queue(queue), item)
  const reply = await reserveOne(store, 'test', worker, [queue], id, endedAtMs - 10)
  if (reply.kind !== 'job') throw new Error(`expected a job, got ${reply.kind}`)
  const delivery = { worker, id, delivery: reply.job.delivery }
  const end = { state, ttlMs: 60_000, ...(ended.fields ? { fields: ended.fields } : {}) }
  if (!(await store.supervisors.settle('test', delivery, endedAtMs, 100, end))) throw new Error('expected it to settle')
  return id
}

/** A log that keeps its lines. */
export function heardLog(): Logger & { lines: string[] } {
  const lines: string[] = []
  const log = createLogger({ level: 'info', format: 'text', write: (line) => void lines.push(line) })
  return { ...log, lines }
}
