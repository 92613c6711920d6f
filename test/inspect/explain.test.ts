// `runtime doctor NAME`: wherever a job, run, queue, worker or lock stands, the one sentence says it, and what to do.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { explain } from '../../runtime/inspect/doctor/explain.ts'
import { useRedis } from '../support/redis.ts'
import { StepDriver } from '../workflow/support.ts'
import { inspected } from './support.ts'

const server = useRedis()
let driver: StepDriver

beforeEach(async () => {
  driver = await new StepDriver(server, 'driver', 'resque').register()
})
afterEach(() => driver.close())

/** What is said of a name, each with its level and its cure. */
async function said(name: string): Promise<string> {
  const findings = await explain(name, inspected(driver.store))
  return (findings ?? []).map(({ level, what, cure }) => `${level}: ${what}${cure ? ` → ${cure}` : ''}`).join('\n')
}

const job = (fields: Record<string, string | number>): Promise<number> =>
  server.client().hset('resque:rt:job:j1', { class: 'A', queue: 'q', item: '{"class":"A","args":[]}', ...fields })

describe('a job', () => {
  const now = Date.now()
  const states: [what: string, fields: Record<string, string | number>, expected: RegExp][] = [
    ['that no queue has', { state: 'waiting' }, /^bad: job j1 \(A\) is waiting, but it is not in queue q/],
    [
      'that is due',
      { state: 'delayed', due_at: now + 3_600_000 },
      /^fine: .*due .*in .*; a worker or scheduler then moves it to queue q$/,
    ],
    [
      'that is late',
      { state: 'delayed', due_at: now - 60_000 },
      /^bad: .* → are the clocks of these machines right\?$/,
    ],
    [
      'that only a scheduler moves',
      { state: 'delayed', due_at: now - 60_000, second: 1 },
      /^note: .*; a scheduler then moves it to queue q\nbad: no scheduler leads, and only .* → runtime scheduler$/,
    ],
    [
      'behind a rate limit',
      { state: 'held', held_by: 'mail', due_at: now + 3_600_000 },
      /^note: .*rate limit mail, and may start in/,
    ],
    ['behind a limit whose time is unknown', { state: 'held', held_by: 'mail' }, /may start after those before it$/],
    [
      'whose worker is gone',
      { state: 'running', worker: 'host:9:q' },
      /^bad: .* since a while ago; that worker is gone → a live/,
    ],
    [
      'that runs',
      { state: 'running', worker: 'host:1driver:work', run_at: now, pid: 7, progress: '1/2 x' },
      /^fine: .* on host:1driver:work since .*, process 7, at 1\/2 x\nnote: if it hangs → runtime job cancel j1/,
    ],
    [
      'to be cancelled',
      { state: 'running', worker: 'host:1driver:work', cancel_asked_at: now },
      /^note: .*a cancel was requested/,
    ],
    [
      'that failed twice',
      { state: 'failed', cause: 'timeout', attempt: 2, error: '{"name":"E","message":"m"}' },
      /^bad: job j1 \(A\) is failed, by timeout: E: m → runtime failed retry.*\nnote: this is attempt 2; the last one failed: E: m$/,
    ],
    ['that failed of nothing known', { state: 'failed' }, /^bad: .*, by an error: unknown → /],
    ['that has ended', { state: 'done', ended_at: now }, /^fine: job j1 \(A\) is done, /],
    ['of which little is known', { state: 'delayed' }, /^bad: .*due 1970-01-01T00:00:00.000Z/],
    ['held by nothing known', { state: 'held' }, /^note: .*, and may start after those before it$/],
    ['that runs nowhere', { state: 'running' }, /^bad: job j1 \(A\) is running on \? since a while ago; that worker/],
    ['of which an end is unknown', { state: 'discarded' }, /^fine: job j1 \(A\) is discarded$/],
  ]
  for (const [what, fields, expected] of states) {
    it(what, async () => {
      await job(fields)
      assert.match(await said('j1'), expected)
    })
  }

  it('that waits has a place in its queue, behind a limit a place in its line', async () => {
    const { store } = driver
    await store.queues.push('q', [{ id: 'j0', className: 'A', item: '{"class":"A","args":[0]}' }], Date.now(), 60_000)
    await store.queues.push('q', [{ id: 'j1', className: 'A', item: '{"class":"A","args":[1]}' }], Date.now(), 60_000)
    assert.match(
      await said('j1'),
      /^note: job j1 \(A\) is waiting: number 2 in queue q\nbad: no worker takes from queue q → runtime work --queues q$/,
    )
    const free = { workers: [driver.worker, driver.worker], newId: 'new' }
    const reply = await store.supervisors.reserve('driver', free, ['q'], Date.now())
    assert.ok('jobs' in reply)
    const limit = { kind: 'concurrency', key: 'mail', limit: 1 } as const
    for (const { id, delivery } of reply.jobs)
      await store.limits.acquire('driver', { id, delivery, worker: driver.worker }, [limit], Date.now())
    assert.match(
      await said('j1'),
      /^note: .*number 1 in the line of limit mail, whose slots are held by j0 → runtime doctor j0$/,
    )
  })

  it('that Ruby enqueued has no class, and a line without holders no job to look at', async () => {
    const redis = server.client()
    await redis.hset('resque:rt:job:j1', { state: 'done' })
    assert.equal(await said('j1'), 'fine: job j1 (unknown class) is done')
    await job({ state: 'held', held_by: 'mail' })
    await redis.zadd('resque:rt:held:mail', 1, 'j1')
    assert.equal(
      await said('j1'),
      'note: job j1 (A) is held: number 1 in the line of limit mail, whose slots are held by no job',
    )
  })

  it('whose worker has sent no heartbeat is about to go back', async () => {
    await job({ state: 'running', worker: driver.worker })
    await server.client().zadd('resque:rt:supervisors', 1, 'driver')
    assert.match(await said('j1'), /^bad: .*has sent no heartbeat since → a live worker or scheduler requeues the job/)
    assert.match(await said(driver.worker), /^bad: .*its lease ran out .* it is dead or cut off → any live worker/)
  })
})

describe('a run', () => {
  it('is followed from its start to its end, with what holds it up', async () => {
    const { runs } = driver.store
    const { id } = await driver.create({ a: [], b: ['a'] })
    assert.match(await said(id), /^note: run \w+ of TestFlow is pending: .* → .*runtime workflow start/)
    await runs.start(id, Date.now())
    assert.match(await said(id), /^fine: .* is running: .*\nnote: its jobs wait in work → runtime doctor work$/)
    await runs.stop(id, Date.now())
    assert.match(await said(id), /^note: .* is stopped: .* → runtime workflow continue/)
    await runs.resume(id, Date.now())
    await server.client().hset(`resque:rt:run:${id}`, { queued: 1, running: 1 })
    assert.match(await said(id), /^fine: .* is running: [^\n]*$/, 'a job that runs needs no queue')
    await server.client().hset(`resque:rt:run:${id}`, 'running', 0)
    await driver.drain(['a'])
    assert.match(await said(id), /^bad: .* is failed: .* → see why: .*\nnote: node 0: .*boom/)
    await runs.resume(id, Date.now())
    await driver.drain()
    assert.match(await said(id), /^fine: .* is finished: 2 finished$/)
  })

  it('has no jobs, or jobs in several queues', async () => {
    const empty = await driver.create({})
    assert.match(await said(empty.id), /^note: run \w+ of TestFlow is pending: no jobs →/)
    const { id } = await driver.create({ a: [], b: [] }, { queue: { b: 'other' } })
    await driver.store.runs.start(id, Date.now())
    assert.match(
      await said(id),
      /^fine: .* is running: 2 queued\nbad: no worker takes from queue other → runtime work --queues other$/,
    )
    await driver.store.supervisors.register('other', ['h:2:other'], {}, 60_000)
    assert.match(
      await said(id),
      /wait in work → runtime doctor work\nnote: its jobs wait in other → runtime doctor other$/,
    )
  })

  it('none of whose jobs is under way says so', async () => {
    const { id } = await driver.create({ a: [], b: ['a'] })
    await driver.store.runs.start(id, Date.now())
    await server.client().hset(`resque:rt:run:${id}`, 'queued', 0)
    assert.match(await said(id), /^bad: .*none of its jobs is queued, delayed or running → a worker continues it/)
  })
})

describe('a queue, a worker, a lock', () => {
  it('say who takes from where, and what is paused', async () => {
    const { store } = driver
    await store.queues.push(
      'lonely',
      [{ id: 'x', className: 'A', item: '{"class":"A","args":[]}' }],
      Date.now(),
      60_000,
    )
    assert.match(
      await said('lonely'),
      /^fine: queue lonely: 1 wait\nbad: no worker takes from queue lonely → runtime work --queues lonely$/,
    )
    await store.queues.push('work', [{ id: 'y', className: 'A', item: '{"class":"A","args":[]}' }], Date.now(), 60_000)
    await store.supervisors.register('two', ['h:2:work,lonely'], {}, 60_000)
    assert.match(
      await said('lonely'),
      /note: h:2:work,lonely \(idle\) looks into work first, which has work → more workers/,
    )
    assert.match(await said('work'), /fine: h:2:work,lonely takes from it \(idle\)/)
    await store.supervisors.register('three', ['h:3:none,lonely'], {}, 60_000)
    assert.match(await said('lonely'), /fine: h:3:none,lonely takes from it/, 'a queue that is not there has no work')
    await store.queues.setPaused('ghost', true)
    assert.match(await said('ghost'), /^fine: queue ghost: 0 wait\nnote: queue ghost is paused/)
    await server.client().set('resque:worker:h:2:work,lonely', '{"queue":"work"}')
    assert.match(await said('work'), /takes from it \(busy: \{"queue":"work"\}\)/)
    await store.queues.setPaused('work', true)
    await server.client().set('resque:pause-all-workers', 'true')
    assert.match(
      await said('work'),
      /queue work is paused → runtime queues resume work\nnote: all workers are paused by the key pause-all-workers → runtime queues resume --all/,
    )
  })

  it('a worker of another kind, and one that does not fork, are told apart', async () => {
    await server.client().sadd('resque:workers', 'ruby:1:q')
    assert.match(await said('ruby:1:q'), /^note: .*is not of this runtime, last beat never → Ruby workers/)
    await driver.store.supervisors.register(
      's',
      ['h:5:q'],
      { launcher: 'spawn', fallback: 'no fork', cure: 'do' },
      60_000,
    )
    assert.match(await said('h:5'), /^note: worker h:5:q is idle; .*; spawn, it does not fork: no fork → do$/)
    assert.match(await said('5'), /^note: worker h:5:q/)
  })

  it("the scheduler's lock is free, held, or held for ever", async () => {
    assert.match(
      await said('lock'),
      /note: the scheduler lock is free: no scheduler fires entries → runtime scheduler$/,
    )
    const key = 'resque:resque:resque_scheduler_master_lock'
    await server.client().set(key, 'ruby:1', 'PX', 60_000)
    assert.match(await said('leader'), /^fine: the scheduler lock is ruby:1's, for 60 s more/)
    await server.client().set(key, 'ruby:1')
    assert.match(await said('resque_scheduler_master_lock'), /^bad: the scheduler lock is ruby:1's and never runs out/)
  })

  it('a name that stands for nothing is unknown', async () => {
    assert.equal(await explain('nothing', inspected(driver.store)), undefined)
  })
})
