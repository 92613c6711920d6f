// Delayed jobs by page: the millisecond set and Resque's lists merged by time, none twice and none left out.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { delayedPage, type DelayedFilter, type DelayedPage } from '../../runtime/inspect/delayed.ts'
import { useRedis } from '../support/redis.ts'
import { useStore } from '../worker/support.ts'

const server = useRedis()
const to = useStore(server)

async function all(count: number, filter: DelayedFilter = {}): Promise<string[]> {
  const found: string[] = []
  for (let cursor: string | undefined; ;) {
    const page = await delayedPage(to, filter, { cursor, count })
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

it('a filtered page ends at its time with what it has, and its cursor goes on', async () => {
  const redis = server.client()
  await redis.flushall()
  const second = Math.ceil(Date.now() / 1000) + 100
  const [first, last] = [second, second + 1].map(String)
  await redis.zadd('resque:delayed_queue_schedule', second, String(first), second + 1, String(last))
  const jobs = Array.from(
    { length: 600 },
    (_, n) => `{"class":"${n % 299 === 0 ? 'Rare' : 'B'}","args":[${n}],"queue":"q"}`,
  )
  await redis.rpush(`resque:delayed:${first}`, ...jobs)
  await redis.rpush(`resque:delayed:${last}`, '{"class":"Rare","args":[600],"queue":"q"}')
  const found: [args: string[], looked: number][] = []
  for (let cursor: string | undefined = '0-0-0'; cursor !== undefined;) {
    const page: DelayedPage = await delayedPage(to, { class: 'Rare' }, { cursor, count: 1, mostMs: 0 })
    found.push([page.jobs.map(({ args }) => args), page.looked])
    cursor = page.next
  }
  assert.deepEqual(found, [
    [['[0]'], 1],
    [[], 250],
    [['[299]'], 49],
    [[], 250],
    [['[598]'], 49],
    [['[600]'], 2],
  ])
  const everything = await delayedPage(to, {}, { count: Infinity })
  assert.deepEqual([everything.jobs.length, everything.next], [601, undefined])
})
