// What the pages change, in-process on a real Redis: retries, changes of many, queues; and a Redis that is away.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { newId } from '../../runtime/core/ids.ts'
import type { Store } from '../../runtime/store/store.ts'
import type { Dashboard } from '../../web/index.ts'
import { routes } from '../../web/routes.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'
import { addFailures, ask, change, testDashboard } from './world.ts'

const server = useRedis()
let store: Store
let board: Dashboard

beforeEach(async () => {
  await server.client().flushall()
  store = testStore(server)
  board = testDashboard(store, { mask: ['ssn'] })
})
afterEach(() => store.close())

const text = async (path: string): Promise<string> => (await ask(board, path)).text()
const ttlMs = 86_400_000
const sha1 = (bytes: string): string => createHash('sha1').update(bytes).digest('hex')

describe('failed jobs', () => {
  it('are listed newest first, filtered and grouped', async () => {
    await addFailures(store, 60)
    assert.match(await text('/failed'), /60 failed jobs/)
    const mail = await text('/failed?class=MailJob&queue=low')
    assert.match(mail, /MailJob/)
    assert.doesNotMatch(mail, /ThumbnailJob/)
    assert.match(await text('/failed?by=group'), /3 groups/)
    assert.match(await text('/failed?text=READROWS'), /ImportJob/)
    assert.match(await text('/failed?below=0'), /None of the entries searched so far matches/)
  })

  it('go back to their queue and off the list in one step', async () => {
    await addFailures(store, 1)
    const [entry] = await store.failures.list()
    const form = { at: '0', digest: entry?.digest ?? '' }
    assert.equal((await change(board, 'failed-retry', form)).status, 303)
    assert.equal(await store.failures.count(), 0)
    assert.deepEqual(await store.queues.peek('default'), [
      '{"class":"ImportJob","args":[0,{"user":{"id":12345678901234567000,"password":"hunter2"}}]}',
    ])
    assert.equal((await change(board, 'failed-retry', form)).status, 404, 'a second retry does nothing')
  })

  it('run again with other arguments', async () => {
    await addFailures(store, 1)
    const [entry] = await store.failures.list()
    const form = { at: '0', digest: entry?.digest ?? '' }
    assert.equal((await change(board, 'failed-edit', { ...form, args: '{"no":"array"}' })).status, 400)
    assert.equal((await change(board, 'failed-edit', { ...form, args: '[ 1, 98765432109876543210 ]' })).status, 303)
    assert.deepEqual(await store.queues.peek('default'), ['{"class":"ImportJob","args":[1,98765432109876543210]}'])
  })

  it('of all that match are retried on the server, and no other', async () => {
    await addFailures(store, 250)
    const preview = await text('/bulk?do=retry&class=ImportJob')
    assert.match(preview, /Retry 84/)
    const begun = await change(board, 'bulk-start', { do: 'retry', class: 'ImportJob' })
    const page = `/${begun.headers.get('location')}`
    await eventually(async () => /84 retried/.test(await text(page)))
    assert.equal(await store.failures.count(), 166)
    const left = await store.failures.list(0, 1000)
    assert.ok(left.every(({ payload }) => !payload.includes('ImportJob')))
    await eventually(async () => (await store.audit.list(0, 1))[0]?.action === 'bulk-end')
  })

  it('that fail while a bulk change runs are not touched, and what cannot run again is skipped with its reason', async () => {
    await addFailures(store, 3, { queue: '' })
    await addFailures(store, 1, { failedAtMs: Date.now() + 60_000 })
    const begun = await change(board, 'bulk-start', { do: 'retry' })
    const page = `/${begun.headers.get('location')}`
    await eventually(async () => /no payload or no queue/.test(await text(page)))
    assert.equal(await store.failures.count(), 4)
  })
})

describe('queues and delayed jobs', () => {
  const push = (queue: string, count: number): Promise<unknown> =>
    store.queues.push(
      queue,
      Array.from({ length: count }, (_, i) => ({ id: newId(), className: 'A', item: `{"class":"A","args":[${i}]}` })),
      Date.now(),
      ttlMs,
    )

  it('pause, resume, lose one job, are cleared', async () => {
    await push('mail', 60)
    assert.match(await text('/queue?name=mail'), /60 waiting/)
    assert.match(await text('/queue?name=mail&from=50'), /\[59\]/)
    await change(board, 'queue-pause', { name: 'mail' })
    assert.match(await text('/queues'), /paused/)
    await change(board, 'queue-resume', { name: 'mail' })
    assert.deepEqual(await store.queues.paused(), [])
    await change(board, 'queue-remove', { name: 'mail', at: '9', digest: sha1('{"class":"A","args":[7]}') })
    assert.equal((await store.queues.sizes()).get('mail'), 59)
    assert.equal(
      (await change(board, 'queue-remove', { name: 'mail', at: '9', digest: sha1('{"class":"A","args":[7]}') })).status,
      404,
    )
    await change(board, 'queue-clear', { name: 'mail' })
    assert.equal((await store.queues.sizes()).get('mail'), undefined)
    assert.equal((await ask(board, '/queue?name=mail')).status, 404)
  })

  it('run now or go', async () => {
    const item = (i: number): string => `{"class":"R","args":[${i}]}`
    const soon = Date.now() + 30_000
    await store.delayed.add(
      [0, 1, 2].map((i) => ({
        id: `id${i}`,
        className: 'R',
        item: item(i),
        queue: 'mail',
        dueMs: i < 2 ? soon : soon + 3_600_000,
      })),
      Date.now(),
      ttlMs,
    )
    const page = await text('/delayed?class=R')
    assert.match(page, /3 delayed jobs/)
    await change(board, 'delayed-change', { do: 'run', id: 'id0' })
    assert.deepEqual(await store.queues.peek('mail'), [item(0)])
    await change(board, 'delayed-change', { do: 'remove', id: 'id1' })
    assert.equal(await store.delayed.count(), 1)
    const second = Math.ceil((soon + 3_600_000) / 1000)
    const bytes = (await server.client().lindex(`resque:delayed:${second}`, 0)) ?? ''
    await change(board, 'delayed-change', { do: 'remove', id: `${second}-${sha1(bytes).slice(0, 12)}` })
    assert.equal(await store.delayed.count(), 0)
  })
})

it('a unique lock is released only when its job is gone', async () => {
  const lock = 'Once:1'
  const unique = { key: lock, forMs: 3_600_000 }
  await store.queues.push(
    'low',
    [{ id: 'o1', className: 'Once', item: '{"class":"Once","args":[]}', unique }],
    Date.now(),
    ttlMs,
  )
  assert.match(await text('/limits'), /Once/)
  assert.doesNotMatch(await text('/limits'), /Release/)
  assert.equal((await change(board, 'lock-release', { lock })).status, 409)
  await server.client().del('resque:queue:low')
  assert.match(await text('/limits'), /Release/)
  assert.equal((await change(board, 'lock-release', { lock })).status, 303)
  assert.equal((await change(board, 'lock-release', { lock })).status, 404)
})

it('all workers pause and resume', async () => {
  await change(board, 'all-pause', {})
  assert.equal(await store.health.pausedAll(), true)
  assert.match(await text('/queues'), /All workers are paused/)
  await change(board, 'all-resume', {})
  assert.equal(await store.health.pausedAll(), false)
})

it('every page answers within two seconds while Redis is away, and says what is missing', async () => {
  await addFailures(store, 1)
  await server.kill('SIGSTOP')
  try {
    const pages = routes.filter(
      (route) =>
        'page' in route &&
        !['stack', 'edit', 'job', 'run', 'step', 'failure', 'find', 'queue', 'pipeline'].includes(route.path),
    )
    const single = [
      'job?id=x',
      'run?id=x',
      'step?run=x&step=0',
      'failure?at=0&digest=x',
      'stack?id=x',
      'edit?at=0&digest=x',
    ]
    const answers = await Promise.all(
      pages.map(async ({ path }) => {
        const began = performance.now()
        const page = await text(`/${path}`)
        return { path, ms: performance.now() - began, page }
      }),
    )
    for (const { path, ms, page } of answers) {
      assert.ok(ms < 2000, `${path}: ${ms} ms`)
      if (!['bulk'].includes(path)) assert.match(page, /has not answered within/, path)
    }
    const began = performance.now()
    const answered = await Promise.all(single.map((path) => ask(board, `/${path}`)))
    assert.deepEqual(
      answered.map(({ status }) => status),
      single.map(() => 503),
    )
    assert.ok(performance.now() - began < 2000)
  } finally {
    await server.kill('SIGCONT')
  }
})
