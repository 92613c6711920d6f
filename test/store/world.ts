/**
 * A Redis in which something of every kind is under way, and what must hold of it whatever happens: each job is
 * somewhere, each lock and concurrency slot belongs to a job that has not ended, each run goes on or has ended.
 *
 * Runs in a process of its own: its times are counted from when it is loaded.
 */
import type { Redis } from 'ioredis'
import type { Store } from '../../runtime/store/store.ts'
import type { NewNode } from '../../runtime/store/runs/run-table.ts'
import { reserveOne } from '../support/reserve.ts'

export const now = Date.now()
export const ttlMs = 86_400_000
export const limits = { failedMax: 100, ttlMs }
export const leader = { id: 'vm:1', lockPrefix: '' }
export const memory = { prefix: 'm', ttlMs, onConflict: 'last' as const }
export const worker = 'vm:1:*'
/** The second in which `later` and `later2` are due. */
export const second = Math.ceil((now + 90_000) / 1000)

export const itemOf = (id: string): string => `{"class":"OkJob","args":["${id}"]}`
export const inHand = (id: string): { id: string; delivery: string; worker: string } => ({ id, delivery: '1', worker })
export const permit = (key: string): { kind: 'concurrency'; key: string; limit: number } => ({
  kind: 'concurrency',
  key,
  limit: 1,
})
const rate = { kind: 'rate' as const, key: 'rate', limit: 1, perMs: 600_000 }
export const asked = [permit('lim2'), { ...rate, key: 'rate2' }]

const job = (id: string, queue: string, dueMs = 0): Parameters<Store['delayed']['add']>[0][number] => ({
  id,
  className: 'OkJob',
  item: itemOf(id),
  queue,
  dueMs,
  unique: { key: `u-${id}`, forMs: ttlMs },
})

export async function buildWorld(store: Store, redis: Redis): Promise<void> {
  const { supervisors, queues, delayed, runs } = store
  const take = async (supervisor: string, queue: string, id: string): Promise<void> => {
    await queues.push(queue, [job(id, queue)], now, ttlMs)
    await reserveOne({ supervisors }, supervisor, worker, [queue], 'none', now)
  }
  for (const id of ['s', 'dead']) await supervisors.register(id, [worker], {}, 600_000)
  const idle = { list: 'idle', listener: 'idle', forMs: 600_000, polled: false }
  await reserveOne({ supervisors }, 's', worker, ['q', 'q3', 'q5', 'busy'], 'none', now, idle)
  for (const id of ['slow', 'plain', 'held', 'held2', 'rated', 'done']) await take('s', 'busy', id)
  for (const id of ['lost', 'lost2']) await take('dead', 'd', id)
  for (const [id, wanted] of [
    ['slow', [permit('lim')]],
    ['held', [permit('lim')]],
    ['held2', [permit('lim')]],
    ['done', [rate]],
    ['rated', [rate]],
  ] as const)
    await store.limits.acquire('s', inHand(id), wanted, now)
  await queues.push('q', [job('waits', 'q'), job('waits2', 'q')], now, ttlMs)
  await delayed.add([job('soon', 'q3', now + 1000), job('soon2', 'q4', now + 1000)], now, ttlMs)
  await delayed.add([job('later', 'q5', now + 90_000), job('later2', 'q6', now + 90_000)], now, ttlMs)
  for (const id of ['r-new', 'r-on', 'r-more', 'r-queued', 'r-failed', 'r-stopped', 'r-over'])
    await createRun(store, id)
  for (const id of ['r-on', 'r-queued', 'r-failed', 'r-stopped']) await runs.start(id, now)
  await store.connection.run('run-start', { id: 'r-more', now })
  await runs.stop('r-stopped', now)
  for (const run of ['r-failed', 'r-on']) {
    const id = `step-${run}`
    await reserveOne({ supervisors }, 's', worker, [run], id, now)
    await runs.begin(run, 0, id, 1, now)
  }
  const extra = '{"error":"{}"}'
  const failed = { state: 'failed' as const, entry: entryOf('again'), ttlMs, step: { extra } }
  await supervisors.settle('s', inHand('step-r-failed'), now, 100, failed)
  await redis.rpush('resque:failed', entryOf('again2'))
  await redis.zadd('resque:rt:supervisors', 1, 'dead')
  await redis.zadd('resque:rt:runs:expiring', 1, 'r-over', 2, 'r-new')
  await redis.set('resque:resque:resque_scheduler_master_lock', leader.id)
  await store.schedules.register('entry', now, now + 1e6, true, 'cron')
  await store.schedules.skipFirings(leader, { name: 'entry', fireTimeMs: now + 1, nextMs: now + 9, wait: true })
  await store.pipelines.load('pipe', '{}')
  await store.pipelines.request(
    { id: 'req', pipeline: 'pipe', first: undefined, instance: 1, params: '{}', by: 'x' },
    now,
  )
  await store.archive.take('archiver', ttlMs, 1)
}

export const entryOf = (id: string): string =>
  `{"failed_at":"2026/11/21 21:51:52 UTC","payload":${itemOf(id)},"exception":"E","error":"e","backtrace":[],"worker":"w","queue":"q"}`

async function createRun(store: Store, id: string): Promise<void> {
  const nodes: NewNode[] = [
    { kind: 0, parents: [] },
    { kind: 1, parents: [{ from: 0, when: 'finished' }] },
  ]
  const kinds = ['a', 'b'].map((name) => ({ class: name, queue: id }))
  const own = { unique: id, memory: { settings: memory, values: { x: '1' } }, fields: { history: '1' } }
  await store.runs.create({ id, className: 'Flow', kinds, nodes, ttlMs, ...own }, now)
}

/**
 * What is wrong, in words; keys of another type count as empty.
 * @param redis with `enableAutoPipelining`: there is much to read
 */
export async function faults(redis: Redis, store: Store): Promise<string[]> {
  const names = await redis.keys('resque:*')
  /** What `ask` says of each key of this name, or `none` where it is of another type. */
  const read = <T>(name: RegExp, none: T, ask: (name: string) => Promise<T>): Promise<(readonly [string, T])[]> =>
    Promise.all(
      names.filter((each) => name.test(each)).map(async (each) => [each, await ask(each).catch(() => none)] as const),
    )
  const fields = ['state', 'ended_at', 'item', 'bucket_item']
  const [lists, sets, hands, records, locks, slots] = await Promise.all([
    read<string[]>(/^resque:(queue:|failed$|delayed:\d)/, [], (name) => redis.lrange(name, 0, -1)),
    read<string[]>(/^resque:rt:(delayed$|held:|rate-line:)/, [], (name) => redis.zrange(name, 0, '-1')),
    read<string[]>(/^resque:rt:inflight:/, [], (name) => redis.hkeys(name)),
    read<(string | null)[]>(/^resque:rt:job:/, [], (name) => redis.hmget(name, ...fields)),
    read<string | null>(/^resque:rt:unique:/, null, (name) => redis.get(name)),
    read<string[]>(/^resque:rt:limit:/, [], (name) => redis.zrange(name, 0, '-1')),
  ])
  const found: string[] = []
  const texts = lists.flatMap(([, items]) => items)
  const waiting = new Set([...sets, ...hands].flatMap(([, members]) => members))
  const ended = new Set<string>()
  const live = new Set<string>()
  for (const [name, [state, ends, inSet, inBucket]] of records) {
    if (!state) continue
    const id = name.slice('resque:rt:job:'.length)
    const item = inSet ?? inBucket ?? ''
    if (ends) ended.add(id)
    else live.add(id)
    // Whoever is in a set or in flight has its bytes in its record alone.
    if (waiting.has(id)) texts.push(item)
    if (ends || waiting.has(id) || texts.some((text) => item !== '' && text.includes(item.slice(0, -1)))) continue
    found.push(`job ${id} is nowhere`)
  }
  for (const id of ids.filter((each) => !ended.has(each)))
    if (!texts.some((text) => text.includes(`["${id}"]`))) found.push(`the bytes of job ${id} are gone`)
  for (const [name, holder] of locks)
    if (holder !== null && !live.has(holder)) found.push(`lock ${name} is held by ${holder}`)
  for (const [name, holders] of slots)
    for (const id of holders) if (!live.has(id)) found.push(`slot of ${name} is held by ${id}`)
  return [...found, ...(await runFaults(redis, store, names, texts))]
}

const ids = ['slow', 'plain', 'held', 'held2', 'rated', 'done', 'lost', 'lost2', 'waits', 'waits2']
ids.push('soon', 'soon2', 'later', 'later2', 'again', 'again2')

async function runFaults(redis: Redis, store: Store, names: string[], texts: string[]): Promise<string[]> {
  const advancing = await redis.lrange('resque:rt:advancing', 0, -1).catch(() => [])
  const faultOf = async (name: string): Promise<string[]> => {
    const id = name.slice('resque:rt:run:'.length)
    const run = await store.runs.read.find(id).catch(() => undefined)
    if (run?.status !== 'running') return []
    const nodes = await store.runs.read.nodes(id, 0, 10).catch(() => [])
    const owners = await redis.hgetall(`${name}:owners`).catch((): Record<string, string> => ({}))
    const goesOn = nodes.some(({ index, state }) => {
      if (state === 'queued' && texts.some((text) => text.includes(`["${id}","${index}"`))) return true
      return owners[index] !== undefined && names.includes(`resque:rt:job:${owners[index]}`)
    })
    return goesOn || advancing.some((entry) => entry.startsWith(`${id} `)) ? [] : [`run ${id} stands still`]
  }
  return (await Promise.all(names.filter((each) => /^resque:rt:run:[^:]+$/.test(each)).map(faultOf))).flat()
}
