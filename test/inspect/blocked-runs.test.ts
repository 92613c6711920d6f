// Where workflow runs stand still.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { blockedRuns } from '../../runtime/inspect/blocked-runs.ts'
import { useRedis } from '../support/redis.ts'
import { StepDriver } from '../workflow/support.ts'

const server = useRedis()

it('groups failed and still running runs by the step that blocks them', async () => {
  const driver = await new StepDriver(server).register()
  const { store } = driver
  const start = async (steps: Record<string, string[]>): Promise<string> => {
    const { id } = await driver.create(steps)
    await store.runs.start(id, Date.now())
    return id
  }
  await start({ Good: [] })
  const [first, second] = [await start({ Load: [], Tell: ['Load'] }), await start({ Load: [], Tell: ['Load'] })]
  await driver.drain(['Load'])
  const waits = await start({ Bad: [], Slow: [] })
  await driver.create({ Never: [] })
  const bad = await driver.take()
  assert.ok(bad && (await driver.end(bad, 'failed')))
  const { groups, failed } = await blockedRuns({ store })
  assert.equal(failed, 2)
  assert.deepEqual(
    groups.map(({ class: name, step, count }) => [name, step, count]),
    [
      ['TestFlow', 'Load', 2],
      ['TestFlow', 'Bad', 1],
    ],
  )
  assert.deepEqual([[first, second].includes(groups[0]?.run ?? ''), groups[1]?.run], [true, waits])
  driver.close()
})

it('a step that is retried has no end yet, and one whose records have gone is named by its number', async (t) => {
  const driver = await new StepDriver(server).register()
  t.after(() => driver.close())
  const { store } = driver
  const start = async (steps: Record<string, string[]>): Promise<string> => {
    const { id } = await driver.create(steps)
    await store.runs.start(id, Date.now())
    return id
  }
  const gone = await start({ Lost: [] })
  await driver.drain(['Lost'])
  await server.client().del(`test:rt:run:${gone}:table`)
  const retried = await start({ Bad: [], Again: [] })
  const bad = await driver.take()
  assert.ok(bad && (await driver.end(bad, 'failed')))
  await server.client().hset(`test:rt:run:${retried}:retrying`, '1', 'no JSON')
  const { groups } = await blockedRuns({ store })
  const found = groups.map(({ run, step, error, message, sinceMs }) => [
    run,
    step,
    error,
    message,
    sinceMs !== undefined,
  ])
  assert.deepEqual(found.sort(), [
    [gone, '0', 'Error', 'boom', true],
    [retried, 'Again', 'Error', 'no JSON', false],
    [retried, 'Bad', 'Error', 'boom', true],
  ])
})
