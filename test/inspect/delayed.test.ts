// Delayed jobs by page: the millisecond set and Resque's lists merged by time, none twice and none left out.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { delayedPage, type DelayedFilter } from '../../runtime/inspect/delayed.ts'
import { useRedis } from '../support/redis.ts'
import { useStore } from '../worker/support.ts'

const server = useRedis()
const to = useStore(server)

async function all(count: number, filter: DelayedFilter = {}): Promise<string[]> {
  const found: string[] = []
  for (let cursor: string | undefined; ;) {
    const page = await delayedPage(to, filter, { ...(cursor === undefined ? {} : { cursor }), count })
    found.push(...page.jobs.map(({ args }) => args))
    if (page.next === undefined) return found
    cursor = page.next
  }
}

it('merges by time and goes on where the last page ended, also among jobs of one moment', async () => {
  const now = Date.now()
  const second = Math.ceil(now / 1000) + 100
  const redis = server.client()
  for (const [id, dueMs] of [
    ['a', now + 5],
    ['b', second * 1000],
    ['c', second * 1000],
    ['d', second * 1000 + 500],
  ] as const) {
    await redis.zadd('resque:rt:delayed', dueMs, id)
    await redis.hset(`resque:rt:job:${id}`, { item: `{"class":"S","args":["${id}"]}`, queue: 'q' })
  }
  for (const at of [second, second + 1]) {
    await redis.zadd('resque:delayed_queue_schedule', at, at)
    await redis.rpush(`resque:delayed:${at}`, ...[1, 2, 3].map((n) => `{"class":"B","args":[${at - second},${n}],"queue":"r"}`)) // prettier-ignore
  }
  const expected = '["a"] ["b"] ["c"] [0,1] [0,2] [0,3] ["d"] [1,1] [1,2] [1,3]'.split(' ')
  for (const count of [1, 2, 3, 4, 7, 50]) assert.deepEqual(await all(count), expected, `pages of ${count}`)
  assert.deepEqual(await all(2, { class: 'S' }), ['["a"]', '["b"]', '["c"]', '["d"]'])
  assert.deepEqual(await all(2, { queue: 'r', text: '1,2' }), ['[1,2]'])
  await assert.rejects(delayedPage(to, {}, { cursor: 'x' }), /cursor: expected/)
})
