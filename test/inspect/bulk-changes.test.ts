// Changes of all that match, while other processes take and add jobs.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { changeDelayed } from '../../runtime/inspect/changes/delayed.ts'
import { removeWaiting } from '../../runtime/inspect/changes/queues.ts'
import { newId } from '../../runtime/core/ids.ts'
import { useRedis } from '../support/redis.ts'
import { useStore } from '../worker/support.ts'
import { inspected } from './support.ts'

const server = useRedis()
const to = useStore(server)

it('removing from a queue misses nothing while workers take from its head', async () => {
  const { store } = to
  const queue = 'resque:queue:q'
  const item = (i: number): string => `{"class":"${i % 2 === 0 ? 'A' : 'B'}","args":[${i % 1500}]}`
  await server.client().rpush(queue, ...Array.from({ length: 3000 }, (_, i) => item(i)))
  await server.client().sadd('resque:queues', 'q')
  const taken: string[] = []
  let taking = Promise.resolve()
  const change = await removeWaiting(
    inspected(store),
    'q',
    { class: 'A' },
    {
      onProgress: () => {
        taking = taking.then(async () => {
          for (let i = 0; i < 40; i += 1) taken.push((await server.client().lpop(queue)) ?? '')
          await server.client().rpush(queue, item(0))
        })
      },
    },
  )
  await taking
  const left = await server.client().lrange(queue, 0, -1)
  assert.ok(change.done > 1200 && taken.length >= 200)
  // Copies of the first job came in meanwhile.
  assert.deepEqual(
    left.filter((each) => each.includes('"A"') && each !== item(0)),
    [],
  )
  assert.equal(
    left.filter((each) => each.includes('"B"')).length + taken.filter((each) => each.includes('"B"')).length,
    1500,
  )
})

it('running delayed jobs takes copies once, and goes on behind what does not match', async () => {
  const { store } = to
  const now = Date.now()
  const dueMs = now + 3_600_000
  const jobs = Array.from({ length: 450 }, (_, i) => {
    const className = i % 3 === 0 ? 'A' : 'B'
    const item = `{"class":"${className}","args":[${i < 9 ? 0 : i}]}`
    return { id: newId(), className, item, queue: 'q2', dueMs: i % 2 === 0 ? dueMs : now + 40_000 }
  })
  await store.delayed.add(jobs, now, 60_000)
  const change = await changeDelayed(inspected(store), 'run', { class: 'A' })
  assert.deepEqual([change.done, change.skipped, change.looked >= 300], [150, [], true])
  assert.equal(await store.delayed.count(), 300)
  assert.equal((await store.queues.sizes()).get('q2'), 150)
})
