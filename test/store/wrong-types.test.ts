// A script writes nothing before the last thing that can fail: another type under one of its keys loses and blocks nothing.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { FailedEntry } from '../../runtime/store/queues/failures.ts'
import type { ScriptName } from '../../runtime/store/connection/connection.ts'
import { scripts } from '../../runtime/store/connection/scripts.generated.ts'
import type { Store } from '../../runtime/store/store.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import {
  asked,
  buildWorld,
  entryOf,
  faults,
  inHand,
  itemOf,
  leader,
  limits,
  memory,
  now,
  second,
  ttlMs,
  worker,
} from './world.ts'
import { reserveOne } from '../support/reserve.ts'

let server: TestRedis
let store: Store
let redis: Redis
let world: { key: string; dump: Buffer; ttl: number }[]
/** Its dumps. */
let untouched: string[]

before(async () => {
  server = await startRedis()
  store = testStore(server)
  redis = server.client({ enableAutoPipelining: true })
  await buildWorld(store, redis)
  world = await dumpAll()
  await restore()
  untouched = await dumps()
})
after(async () => {
  store.close()
  await server.stop()
})

const newJob = (id: string) => ({
  id,
  className: 'OkJob',
  item: itemOf(id),
  unique: { key: `u-${id}`, forMs: ttlMs },
})
const name = (id: string, queue: string) => ({ className: 'OkJob', item: itemOf(id), queue })
const withEntry = async (use: (entry: FailedEntry) => Promise<unknown>): Promise<void> => {
  for (const entry of await store.failures.list(0, 1)) await use(entry)
}
const missed = { entry: 'entry', fromMs: 1, toMs: 2, count: 1, reason: 'late', atMs: 3 }
const firing = { name: 'entry', fireTimeMs: now + 5, nowMs: now, lateMs: 0, nextMs: now + 9, mode: 'timed' as const }
const maintenance = { duty: 'delayed', owner: 'me' }
const idle = { list: 'list', listener: 'me', forMs: 60_000, polled: false }
type Call = () => Promise<unknown>
const stepEnd = { state: 'done' as const, ttlMs, step: { output: '1' } }
const bucketItem = `${itemOf('later').slice(0, -1)},"queue":"q5"}`
const copy = { second, bucketItem, item: itemOf('later'), class: 'OkJob', newId: 'new-later', now, ttlMs }

/** What calls each script in the world of world.ts. */
const calls: Record<ScriptName, Call | Call[]> = {
  'skip-firings': () => store.schedules.skipFirings(leader, { ...firing, missed, wait: true }),
  acquire: () => store.limits.acquire('s', inHand('plain'), asked, now),
  'archive-done': () => store.archive.done('archiver', ['1-1'], now),
  'archive-release': () => store.archive.release('archiver'),
  'archive-take': () => store.archive.take('archiver', 1000, 1),
  beat: () => store.supervisors.beat('s', [worker], 600_000),
  'show-jobs': () => store.supervisors.show('s', [{ ...inHand('plain'), runAtMs: now, bytes: 1 }]),
  begin: () => store.supervisors.begin('s', inHand('plain'), true),
  'begin-steps': () => store.runs.begin('r-queued', 0, 'plain', 1, now),
  reclaim: () => store.supervisors.reclaim('dead', { maxRedeliveries: 3, ...limits }, now),
  cancel: ['waits', 'soon', 'later', 'held', 'rated', 'plain'].map((id) => () => store.jobs.cancel(id, now, ttlMs)),
  'clear-queue': () => store.queues.remove('q', now, ttlMs),
  count: () => store.metrics.add([{ target: 'total', field: '["ended"]', other: '["other"]', by: 1 }], now),
  delay: () =>
    store.delayed.add(
      [now, now + 1000, now + 90_000].map((dueMs, i) => ({ ...newJob(`n${i}`), queue: `n${i}`, dueMs })),
      now,
      ttlMs,
    ),
  describe: () => store.supervisors.describe('s', { launcher: 'fork' }),
  dequeue: () => store.queues.removeItem('q', itemOf('waits'), now, ttlMs),
  enqueue: () => store.queues.push('q', [newJob('n1'), newJob('n2')], now, ttlMs),
  'entry-busy': () => store.schedules.previous('entry'),
  'fire-entry': () => store.schedules.fire(leader, { ...firing, job: { ...newJob('n1'), queue: 'q', ttlMs } }),
  'count-delayed': () => store.delayed.count(),
  'find-delayed': () => store.delayed.scheduledAt(name('soon', 'q3')),
  'release-maintenance-lock': () => store.connection.run('release-maintenance-lock', maintenance),
  'take-maintenance-lock': () => store.connection.run('take-maintenance-lock', { ...maintenance, holdMs: 5000 }),
  wake: () => store.queues.wake('q', 1),
  lapsed: () => store.supervisors.lapsed(),
  'take-master-lock': () => store.locks.lead(leader, ttlMs, 'UTC'),
  'register-entry': () => store.schedules.register('entry', now, now + 1e6, true, 'every'),
  'memory-clear': () => store.runs.memories.clear('r-on', memory),
  'memory-extend': () => store.runs.memories.extend('r-on', memory, 2 * ttlMs),
  'memory-read': () => store.runs.memories.read('r-on', memory),
  'memory-write': () => store.runs.memories.write('r-on', memory, { values: { y: '2' }, by: { y: '0' } }),
  'move-buckets': () => store.delayed.moveBuckets(leader, (second + 1) * 1000, 100, limits),
  'move-due': () => store.delayed.moveDue(now + 5000, 100, limits),
  'note-job': () => store.jobs.note('plain', { progress: '1/2' }),
  'pipeline-decide': () => store.pipelines.decide('req', { run: 'r-new' }, now),
  'pipeline-load': () => store.pipelines.load('pipe', '{"new":1}'),
  'pipeline-remove': () => store.pipelines.remove('pipe'),
  'pipeline-request': () =>
    store.pipelines.request({ id: 'req2', pipeline: 'pipe', first: 'a', instance: 2, params: '{}', by: 'x' }, now),
  'poll-queues': () => store.queues.poll(['q'], true),
  'queue-heads': () => store.queues.heads(['q']),
  register: () => store.supervisors.register('s3', ['host:3:q'], {}, 600_000),
  'release-lock': () => store.connection.run('release-lock', { lockPrefix: '', owner: leader.id }),
  'remove-failed': () => withEntry((entry) => store.failures.remove(entry)),
  requeue: [
    ...['plain', 'step-r-on', 'done'].map(
      (id) => () => store.supervisors.requeue('s', inHand(id), now, 0, false, ttlMs),
    ),
    () => store.supervisors.requeue('s', inHand('slow'), now, now + 60_000, true, ttlMs),
  ],
  reserve: [
    () => reserveOne(store, 's', worker, ['q'], 'none', now),
    () => reserveOne(store, 's', worker, ['none'], 'none', now, idle),
    () => reserveOne(store, 's', worker, ['q'], 'none', now, { ...idle, polled: true }),
  ],
  'retry-failed': () => withEntry((entry) => store.failures.retry(entry, 'n1', now, ttlMs)),
  'run-commit': () =>
    store.connection.run('run-commit', { id: 'r-new', class: 'Flow', now, unique: 'another' }, ['ttl_ms', ttlMs]),
  'run-continue': () => store.runs.advance(now, 3),
  'run-destroy': () => store.runs.destroy('r-new'),
  'run-expire': () => store.runs.expire('r-new', 1000, now),
  'run-index': () => store.connection.run('run-index', { count: 0, status: 'running', class: 'Flow' }, ['r-new']),
  'run-node': () => store.runs.decide('r-failed', 0, 'retry', now),
  'run-recover': () => store.connection.run('run-recover', { id: 'r-failed', now }, [0]),
  'run-resume': () => store.connection.run('run-resume', { id: 'r-failed', now }),
  'run-start': () => store.connection.run('run-start', { id: 'r-new', now }),
  'run-stop': () => store.runs.stop('r-on', now),
  'run-sweep': () => store.runs.sweep(now),
  settle: [
    () => store.supervisors.settle('s', inHand('slow'), now, 100, { state: 'failed', entry: entryOf('slow'), ttlMs }),
    () => store.supervisors.settle('s', inHand('done'), now, 100, { state: 'done', ttlMs }),
    () => store.supervisors.settle('s', inHand('step-r-on'), now, 100, { ...stepEnd, step: { extra: '{}' } }),
  ],
  'settle-batch': () => store.supervisors.settle('s', inHand('plain'), now, 100, { state: 'done', ttlMs }),
  'settle-steps': () => store.supervisors.settle('s', inHand('step-r-on'), now, 100, stepEnd),
  'release-unique': () => store.uniqueLocks.release('u-waits'),
  'stale-locks': () => store.uniqueLocks.stale(),
  'start-entry': () => store.schedules.runs('entry', now + 1, { refused: missed }),
  'sweep-ids': () => store.queues.sweep(),
  'take-delayed': [
    () => store.delayed.enqueueNow(name('later', 'q5'), now, ttlMs),
    () => store.delayed.remove(name('soon', 'q3'), now, ttlMs),
    () => store.delayed.delayOrEnqueue(name('later', 'q5'), now + 200_000, now, ttlMs),
  ],
  'take-one-delayed': ['', 'q5'].map((queue) => () => store.connection.run('take-one-delayed', { ...copy, queue })),
  'sweep-limits': () => store.limits.sweep(),
}

const removing: ScriptName[] = ['clear-queue', 'dequeue', 'take-one-delayed', 'cancel', 'take-delayed']

/** Where many are looked after in one call, the key of one keeps no other waiting. */
const others: Partial<Record<ScriptName, { one: RegExp; gone: (redis: Redis) => Promise<boolean> }>> = {
  reclaim: { one: /job:lost$|:d$/, gone: async () => (await redis.hexists('resque:rt:inflight:dead', 'lost2')) === 0 },
  'move-due': { one: /soon(?!2)|q3/, gone: async () => (await redis.zscore('resque:rt:delayed', 'soon2')) === null },
  'move-buckets': { one: /later(?!2)|q5/, gone: async () => (await redis.llen('resque:queue:q6')) === 1 },
  'run-continue': { one: /r-more/, gone: async () => (await redis.llen('resque:rt:advancing')) <= 1 },
  'run-sweep': { one: /r-over/, gone: async () => (await redis.exists('resque:rt:run:r-new')) === 0 },
}

async function dumpAll(): Promise<{ key: string; dump: Buffer; ttl: number }[]> {
  const keys = (await redis.keys('*')).sort()
  return Promise.all(
    keys.map(async (key) => ({ key, dump: await redis.dumpBuffer(key), ttl: Math.max(await redis.pttl(key), 0) })),
  )
}

async function restore(): Promise<void> {
  const pipeline = redis.pipeline().flushall()
  for (const { key, dump, ttl } of world) pipeline.restore(key, ttl, dump)
  await pipeline.exec()
}

/** The keys that a script's commands name. */
async function touched(call: Call): Promise<string[]> {
  await restore()
  const keys = new Set<string>()
  const monitor = await server.client().monitor()
  const over = new Promise<void>((resolve) =>
    monitor.on('monitor', (_: string, [command = '', ...args]: string[], source: string) => {
      if (command.toLowerCase() === 'echo') resolve()
      const many = /^(del|unlink|exists|rename)$/i.test(command)
      if (source !== 'lua' || /^publish$/i.test(command)) return
      for (const key of many ? args : args.slice(0, 1)) if (key.startsWith('resque:')) keys.add(key)
    }),
  )
  await call()
  await redis.echo('over')
  await over
  monitor.disconnect()
  return [...keys].sort()
}

/** Every key with its content, as texts to compare. */
async function dumps(except = ''): Promise<string[]> {
  const keys = (await redis.keys('*')).filter((key) => key !== except)
  return Promise.all(keys.map(async (key) => `${key} ${(await redis.dumpBuffer(key)).toString('base64')}`))
}

async function withAnotherType(script: ScriptName, call: Call, key: string): Promise<string[]> {
  await restore()
  const type = await redis.type(key)
  await redis.del(key)
  if (type === 'string') await redis.rpush(key, 'x')
  else await redis.set(key, 'x')
  const wrong = await faults(redis, store)
  const error = await call().then(
    () => undefined,
    (thrown: Error) => thrown,
  )
  const changed = error ? (await dumps(key)).filter((text) => !untouched.includes(text)) : []
  const found = changed.map((text) => `failed (${error?.message}) and wrote ${text.split(' ')[0]}`)
  // What is taken away on purpose can have no end in a record that is none.
  const own = removing.includes(script) ? `the bytes of job ${key.split(':').at(-1)} are gone` : ''
  // Without its ticket an item runs under another id.
  const excused = (fault: string): boolean => fault === own || (key.includes(':tickets:') && /is nowhere/.test(fault))
  for (const fault of await faults(redis, store)) if (!wrong.includes(fault) && !excused(fault)) found.push(fault)
  const other = others[script]
  if (other?.one.test(key) && !(await other.gone(redis))) found.push(`another waits: ${error?.message ?? ''}`)
  await redis.del(key)
  for (const each of world) if (each.key === key) await redis.restore(key, each.ttl, each.dump)
  const again = await call().catch((thrown: Error) => thrown)
  if (again instanceof Error && !/ERR_STATE|ERR_NOT_FOUND/.test((again as { code?: string }).code ?? ''))
    found.push(`still fails with the key put right: ${again.message}`)
  return found.map((text) => `${key}: ${text}`)
}

for (const script of Object.keys(scripts) as ScriptName[])
  test(`${script} loses nothing where a key has another type`, async () => {
    const found: string[] = []
    for (const call of [calls[script]].flat()) {
      const keys = await touched(call)
      for (const key of keys) found.push(...(await withAnotherType(script, call, key)))
    }
    assert.deepEqual(found, [])
  })
