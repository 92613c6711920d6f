// Changes of all that match a filter, begun on the dashboard.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { newId } from '../../runtime/core/ids.ts'
import type { NewDelayedJob } from '../../runtime/store/queues/delayed-pages.ts'
import type { NewJob } from '../../runtime/store/queues/new-job.ts'
import type { Store } from '../../runtime/store/store.ts'
import type { Dashboard } from '../../web/index.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'
import { StepDriver } from '../workflow/support.ts'
import { addFailures, ask, change, testDashboard } from './world.ts'

const server = useRedis()
let store: Store
let board: Dashboard

beforeEach(async () => {
  await server.client().flushall()
  store = testStore(server)
  board = testDashboard(store)
})
afterEach(() => store.close())

const text = async (path: string): Promise<string> => (await ask(board, path)).text()
const ttlMs = 86_400_000

describe('all that match', () => {
  /** Begins a change, and waits for its end. @returns the last page of it */
  const changeAll = async (form: Record<string, string>): Promise<string> => {
    const begun = await change(board, 'bulk-start', form)
    assert.equal(begun.status, 303, await begun.text())
    const page = `/${begun.headers.get('location')}`
    await eventually(async () => !/class="badge busy">running/.test(await text(page)))
    return text(page)
  }
  const jobs = (className: string, count: number): NewJob[] =>
    Array.from({ length: count }, (_, i) => ({
      ...{ id: newId(), className, item: `{"class":"${className}","args":[${i % 300}]}` },
    }))

  it('in a queue are removed, and no other', async () => {
    await store.queues.push('mail', [...jobs('A', 450), ...jobs('B', 250), ...jobs('A', 50)], Date.now(), ttlMs)
    assert.match(await text('/bulk?of=queue&do=remove&name=mail&class=A'), /Remove 500 waiting jobs/)
    assert.match(await changeAll({ of: 'queue', do: 'remove', name: 'mail', class: 'A' }), /500 removed/)
    assert.deepEqual(
      await store.queues.peek('mail', 0, 1000),
      jobs('B', 250).map(({ item }) => item),
    )
    assert.match(await changeAll({ of: 'queue', do: 'remove', name: 'mail', text: '[7]' }), /1 removed/)
  })

  it('of the delayed jobs go to their queues or away, from both places where they lie', async () => {
    const later = (className: string, dueMs: number): NewDelayedJob[] =>
      jobs(className, 120).map((job) => ({ ...job, queue: 'mail', dueMs }))
    const [soon, late] = [Date.now() + 30_000, Date.now() + 3_600_000]
    await store.delayed.add(
      [...later('A', soon), ...later('B', soon), ...later('A', late), ...later('B', late)],
      Date.now(),
      ttlMs,
    )
    assert.match(await text('/bulk?of=delayed&do=run&class=A'), /Run 240 delayed jobs/)
    assert.match(await changeAll({ of: 'delayed', do: 'run', class: 'A' }), /240 moved to their queues/)
    assert.equal((await store.queues.sizes()).get('mail'), 240)
    assert.ok((await store.queues.peek('mail', 0, 300)).every((item) => item.includes('"A"')))
    assert.equal(await store.delayed.count(), 240)
    assert.match(await changeAll({ of: 'delayed', do: 'remove' }), /240 removed/)
    assert.equal(await store.delayed.count(), 0)
  })

  it('of the runs are continued; what does not fit is skipped with its reason', async () => {
    const driver = await new StepDriver(server, 'driver', 'resque').register()
    const run = async (): Promise<string> => {
      const { id } = await driver.create({ Load: [] })
      await store.runs.start(id, Date.now())
      return id
    }
    const failed = [await run(), await run()]
    await driver.drain(['Load'])
    await run()
    assert.match(await text('/bulk?of=runs&do=continue&status=failed'), /Continue 2 workflow runs/)
    assert.match(await text('/workflows?status=failed'), /Continue all matching/)
    assert.doesNotMatch(await text('/workflows?status=failed'), /Stop all matching/)
    const page = await changeAll({ of: 'runs', do: 'continue' })
    assert.match(page, /2 continued/)
    assert.match(page, /&lt;id&gt;/)
    assert.equal((await store.runs.read.find(failed[0] ?? ''))?.status, 'running')
    driver.close()
  })

  it('can be stopped, and says how far it came', async () => {
    await addFailures(store, 700, { item: '{"class":"A","args":[]}' })
    const begun = await change(board, 'bulk-start', { do: 'remove' })
    const id = begun.headers.get('location')?.split('=')[1] ?? ''
    const stopped = await change(board, 'bulk-stop', { id })
    const left = await store.failures.count()
    assert.deepEqual([stopped.status, left > 0], stopped.status === 303 ? [303, true] : [400, false])
    await eventually(async () => /stopped|done/.test(await text(`/bulk?id=${id}`)))
  })

  it('needs a list and a change of it', async () => {
    for (const form of [{}, { do: 'run' }, { of: 'runs', do: 'retry' }, { of: 'nothing', do: 'remove' }])
      assert.equal((await change(board, 'bulk-start', form as Record<string, string>)).status, 400)
    assert.equal((await change(board, 'bulk-start', { of: 'queue', do: 'remove' })).status, 400)
  })
})
