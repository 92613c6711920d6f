// `runtime doctor` without a name: each thing that is wrong in this Redis has a sentence and a cure, and what is right has none.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runChecks } from '../../runtime/inspect/doctor/checks.ts'
import { openStore, type Store } from '../../runtime/store/store.ts'
import { useRedis } from '../support/redis.ts'
import { redisSettings } from '../support/store.ts'
import { push, useStore } from '../worker/support.ts'
import { inspected } from './support.ts'

const server = useRedis()
const to = useStore(server)

/** What is said of the whole place, a line a finding: its level, and its cure. */
async function said(store: Store = to.store): Promise<string[]> {
  const findings = await runChecks(inspected(store))
  return findings.map(({ level, what, cure }) => `${level}: ${what}${cure ? ` → ${cure}` : ''}`)
}
/** Those lines of it that match. */
const about = async (head: RegExp): Promise<string[]> => (await said()).filter((text) => head.test(text))

describe('workers', () => {
  const register = (id: string, more: object): Promise<void> =>
    to.store.supervisors.register(id, [`${id}:1:q`], { host: id, pid: '1', queues: 'q', ...more }, 120_000)

  it('that run are named with how they start jobs, and with what this machine denies them', async () => {
    await register('a', { launcher: 'fork', node: 'v99.1.0', stacks: 'no ptrace' })
    await register('c', { launcher: 'spawn', fallback: 'no fork', cure: 'install it' })
    await register('d', { launcher: 'spawn' })
    assert.deepEqual(await about(/: worker [a-d]/), [
      'fine: worker a:1 on q: 0 of 1 at work, fork, lease ends in 2m',
      'note: worker a:1 on q: jobs are forked on Node v99.1.0, on which forking was not tested (it was on 20, 22, 24, 26); all checks at the start passed. isolation: spawn switches it off',
      'note: worker a:1 on q cannot show the stack of a job that hangs: no ptrace',
      'fine: worker c:1 on q: 0 of 1 at work, spawn, lease ends in 2m',
      'note: worker c:1 on q does not fork: no fork → install it',
      'fine: worker d:1 on q: 0 of 1 at work, spawn, lease ends in 2m',
    ])
  })

  it('that are dead wait for a live one, or for any', async () => {
    assert.deepEqual(await about(/no worker/), ['note: no worker runs → runtime work --queues …'])
    await register('a', {})
    await register('b', {})
    await server.client().zadd('resque:rt:supervisors', 1, 'a')
    await server.client().hset('resque:rt:inflight:a', 'j1', '{}')
    assert.match(
      (await about(/worker a/)).join(),
      /^bad: .*its lease ran out \d+d ago; 1 job to requeue → a live worker requeues/,
    )
    await server.client().zadd('resque:rt:supervisors', 1, 'b')
    for (const text of await about(/worker [ab]/))
      assert.match(text, /→ start a worker or a scheduler: either requeues/)
  })

  it('of Ruby that are dead are named, and that all are paused', async () => {
    await server.client().sadd('resque:workers', 'vm:1:q', 'vm:2:q')
    await server.client().hset('resque:workers:heartbeat', 'vm:1:q', '2026-01-01T00:00:00Z')
    await to.store.queues.setPausedAll(true)
    const [dead, paused, ...more] = await about(/worker vm|all workers/)
    assert.match(
      dead ?? '',
      /^bad: worker vm:1:q is dead: last heartbeat \d+d ago; it had no job → start a Ruby worker/,
    )
    assert.match(paused ?? '', /^note: all workers are paused .*→ runtime queues resume --all/)
    assert.deepEqual(more, [])
  })
})

describe('queues, limits and locks', () => {
  it('are told apart by who serves, holds and waits', async () => {
    const { store } = to
    await store.supervisors.register('s', ['h:1:served'], {}, 60_000)
    for (const queue of ['served', 'lonely', 'still']) await push(store, 'A', [1], { queue })
    await store.queues.setPaused('still', true)
    await server.client().sadd('resque:queues', 'empty')
    assert.deepEqual(await about(/: queue /), [
      'bad: queue lonely: 1 wait, and no worker takes from it → runtime work --queues lonely',
      'fine: queue served: 1 wait',
      'note: queue still is paused, 1 wait → runtime queues resume still',
    ])
    const redis = server.client()
    await redis.sadd('resque:rt:held-keys', 'free', 'full')
    for (const key of ['free', 'full']) await redis.zadd(`resque:rt:held:${key}`, 1, 'x', 2, 'y')
    await redis.zadd('resque:rt:limit:full', 1, 'a', 2, 'b', 3, 'c', 4, 'd')
    assert.deepEqual(await about(/limit /), [
      'note: limit free: 2 wait for a slot, held by no job',
      'note: limit full: 2 wait for a slot, held by a, b, c, …',
    ])
  })

  it('five stale locks are named, and the others counted', async () => {
    const stale = (n: number): Promise<unknown> =>
      Promise.all(Array.from({ length: n }, (_, i) => server.client().set(`resque:rt:unique:l${i}`, `gone${i}`)))
    await stale(5)
    assert.equal((await about(/lock l\d is stale/)).length, 5)
    assert.deepEqual(await about(/more unique/), [])
    await stale(7)
    assert.equal((await about(/lock l\d is stale/)).length, 5)
    assert.deepEqual(await about(/more unique/), ['note: 2 more unique locks are stale'])
  })
})

describe('runs', () => {
  it('whose steps lie nowhere are named with some of them; more than 200 are not all looked at', async () => {
    const { runs } = to.store
    const create = async (id: string, queue: string, steps: number): Promise<void> => {
      const nodes = Array.from({ length: steps }, () => ({ kind: 0, parents: [] }))
      await runs.create({ id, className: 'Flow', kinds: [{ class: 'A', queue }], ttlMs: 60_000, nodes }, Date.now())
      await runs.start(id, Date.now())
    }
    for (const steps of [1, 2, 4]) await create(`r${steps}`, 'gone', steps)
    await create('well', 'here', 1)
    await server.client().del('resque:queue:gone')
    const why = 'lie in no queue: a Ruby worker took them (`runtime failed list`), or the queue was removed'
    assert.deepEqual((await about(/run r/)).sort(), [
      `bad: run r1: job 0 waits by its record, and ${why} → runtime workflow continue r1`,
      `bad: run r2: 2 jobs (0, 1) wait by its record, and ${why} → runtime workflow continue r2`,
      `bad: run r4: 4 jobs (0, 1, 2, …) wait by its record, and ${why} → runtime workflow continue r4`,
    ])
    assert.deepEqual(await about(/not all/), [])
    await Promise.all(Array.from({ length: 197 }, (_, i) => create(`more${i}`, 'here', 1)))
    assert.deepEqual(await about(/not all/), [
      'note: not all of the 201 runs under way were looked at → runtime doctor <id of the run>',
    ])
  })
})

describe('schedulers', () => {
  const lock = 'resque:resque:resque_scheduler_master_lock'
  it('lead for a while, for ever, or not at all', async () => {
    const { store } = to
    assert.deepEqual(await about(/scheduler/), ['fine: no scheduler leads, and nothing waits for one'])
    await store.schedules.describe(new Map([['tick', '{"enabled":true}']]))
    await server.client().zadd('resque:rt:delayed', Date.now() + 60_000, 'd1')
    const wait = 'bad: no scheduler leads, and these wait for one: 1 delayed job, 1 entry → runtime scheduler'
    assert.deepEqual(await about(/no scheduler leads/), [wait])
    await server.client().set('resque:resque_scheduler_leader_lock', 'vm-12')
    assert.deepEqual(await about(/no scheduler leads/), [wait], 'that of node-resque fires no entries')
    await server.client().del('resque:rt:schedules')
    assert.deepEqual(await about(/no scheduler leads/), [], 'it moves delayed jobs')
    await server.client().set(lock, 'a:1', 'PX', 60_000)
    assert.deepEqual(await about(/scheduler a:1/), [
      'fine: scheduler a:1 leads, 60 s more without renewal; 1 delayed, 0 entries',
    ])
    await server.client().set(lock, 'a:1')
    assert.deepEqual(await about(/scheduler a:1/), [
      'bad: scheduler a:1 holds the lock for ever: no other scheduler can take it → check that it is alive; if not, DEL the lock',
    ])
  })

  it('of Ruby fire what is switched off here, and its workers take what is paused here; what is not, is not named', async () => {
    const { schedules, queues } = to.store
    const foreign = (): Promise<string[]> => about(/not of this runtime: /)
    await server.client().set(lock, 'ruby:1', 'PX', 60_000)
    for (const name of ['on', 'off']) await schedules.setDynamic(name, '{"every":"1h","class":"A","queue":"q"}')
    await server.client().sadd('resque:workers', 'vm:1:other', 'vm:2:*')
    await queues.setPaused('still0', true)
    await queues.setPaused('still0', false)
    assert.deepEqual(await foreign(), [])
    await schedules.switch('off', { enabled: false }, Date.now())
    for (let i = 0; i < 6; i += 1) await queues.setPaused(`still${i}`, true)
    const [scheduler = '', worker = '', ...more] = await foreign()
    assert.match(scheduler, /^note: scheduler ruby:1 leads .* paused or disabled here \(off\) → stop it/)
    assert.match(worker, /^note: worker vm:2:\* .* paused here \((still\d, ){5}…\) → stop that worker/)
    assert.deepEqual(more, [])
  })
})

describe('the archive', () => {
  it('says how much waits for PostgreSQL, what was lost, and why', async () => {
    const { archive } = to.store
    await archive.configure('redis', 10)
    assert.deepEqual(await about(/: archive: /), [])
    await archive.configure('postgres', 10)
    const text = 'archive: 0 records for PostgreSQL in Redis (at most 10)'
    assert.deepEqual(await about(/: archive: /), [`fine: ${text}`])
    await server.client().hset('resque:rt:archive:settings', 'dropped', 3)
    assert.deepEqual(await about(/: archive: /), [
      `note: ${text}, 3 dropped → raise archive.maxPending if PostgreSQL will be away for longer`,
    ])
    await archive.setTrouble('no route')
    assert.match((await about(/: archive: /))[0] ?? '', /^bad: .*, 3 dropped: no route → they wait in Redis/)
  })
})

describe('Redis', () => {
  it('may deny what is asked: each section that cannot be seen is a note; any other error ends the look', async (t) => {
    const redis = server.client()
    await redis.acl('SETUSER', 'viewer', 'on', 'nopass', '~*', '&*', '+@all', '-config')
    await redis.acl('SETUSER', 'blind', 'on', 'nopass', '~*', '&*', '+@all', '-info', '-memory')
    const [viewer, blind] = ['viewer', 'blind'].map((username) =>
      openStore({ ...redisSettings(server), username, password: 'x' }, 'resque'),
    ) as [Store, Store]
    t.after(() => [viewer, blind].forEach((store) => store.close()))
    assert.ok(
      (await said(viewer)).includes('note: CONFIG GET is not allowed here: whether snapshots are saved is not known'),
    )
    await redis.set('resque:x', '1')
    const unseen = (await said(blind)).filter((text) => text.includes('cannot be seen'))
    assert.deepEqual(
      unseen.map((text) => text.replace(/ cannot be seen: .*NOPERM.*/, '')),
      ['note: the server', 'note: the largest keys'],
    )
    viewer.close()
    await assert.rejects(said(viewer), { code: 'ERR_REDIS' })
  })

  it('has its largest keys with what bounds them, of at most 20,000', async () => {
    const redis = server.client()
    await redis.set('resque:foreign', 'x'.repeat(50_000))
    await redis.set('resque:rt:supervisor:s', 'x'.repeat(20_000), 'EX', 100)
    const [head, first, second] = (await said()).slice(-3)
    assert.equal(head, 'fine: largest keys:')
    assert.match(first ?? '', /^fine: \S+ KB {2}foreign: not of this runtime$/)
    assert.match(second ?? '', /^fine: \S+ KB {2}rt:supervisor:s \(expires in \S+\): (?!not of this)/)
    await redis.eval('for i = 1, 30000 do redis.call("SET", "resque:k" .. i, "") end', 0)
    assert.match((await about(/largest keys/))[0] ?? '', /^fine: largest keys among 2\d{4} looked at:$/)
  })

  it('has settings that keep jobs, or each that does not is named; the last test, since they stay', async () => {
    const redis = server.client()
    const [head, ...more] = await said()
    assert.match(
      head ?? '',
      /^fine: Redis [\d.]+ at \S+, master, \S+ \S+ used; maxmemory-policy noeviction, nothing on disk$/,
    )
    assert.match(
      more[0] ?? '',
      /^note: no append-only file: when Redis dies, everything is lost → CONFIG SET appendonly/,
    )
    await redis.config('SET', 'save', '3600 1')
    await redis.config('SET', 'maxmemory', '100gb')
    assert.match(
      (await said()).join('\n'),
      /^fine: .* used of 100.* GB; .*, snapshots only\nnote: no append-only file, only snapshots: when Redis dies, what came since the last snapshot is lost/,
    )
    await redis.config('SET', 'appendonly', 'yes')
    assert.match((await about(/^fine: Redis/))[0] ?? '', /, append-only file$/)
    assert.deepEqual(await about(/no append-only|maxmemory-policy is|nearly full|replica/), [])
    await redis.replicaof('127.0.0.1', '1')
    assert.match((await about(/replica/)).join(), /^bad: this Redis is a replica: nothing can be written → point/)
    await redis.replicaof('NO', 'ONE')
    const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
    await redis.config('SET', 'maxmemory-policy', 'volatile-lru')
    await redis.config('SET', 'maxmemory', String(Math.ceil(used * 1.05)))
    const bad = await about(/^bad: m/)
    assert.match(bad[0] ?? '', /^bad: maxmemory-policy is volatile-lru: .* → CONFIG SET maxmemory-policy noeviction/)
    assert.match(bad[1] ?? '', /^bad: memory is nearly full: producers will be refused → raise maxmemory/)
  })
})
