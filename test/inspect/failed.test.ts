// Failed jobs by page, filter and group: newest first, in bounded steps, however many there are.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failedEntry, failedGroups, failedPage, stepEntries, type FailedFilter } from '../../runtime/inspect/failed.ts'
import { useRedis } from '../support/redis.ts'
import { useStore } from '../worker/support.ts'

const server = useRedis()
const to = useStore(server)

const entry = (n: number, more: object = {}): string =>
  JSON.stringify({
    failed_at: `2026/01/01 00:${String(n % 60).padStart(2, '0')}:00 UTC`,
    payload: { class: n % 2 === 0 ? 'EvenJob' : 'OddJob', args: [n] },
    ...{ exception: 'TimeoutError', error: `slow ${n}`, backtrace: ['at work'], worker: 'a:1:low', queue: 'low' },
    ...{ id: `job${n}`, cause: 'timeout', ...more },
  })
const add = async (...entries: string[]): Promise<void> =>
  void (await server.client().rpush('resque:failed', ...entries))

async function indexes(filter: FailedFilter, count = 50): Promise<number[]> {
  const found: number[] = []
  for (let cursor: string | undefined; ;) {
    const page = await failedPage(to, filter, { cursor, count })
    found.push(...page.entries.map(({ index }) => index))
    if (page.next === undefined) return found
    cursor = page.next
  }
}

describe('failed pages', () => {
  it('are newest first, go on where the last one ended, and pass over what is no entry', async () => {
    await add(...[0, 1, 2, 3, 4].map((n) => entry(n)), 'no JSON', '')
    const first = await failedPage(to, {}, { count: 2 })
    assert.deepEqual([first.total, first.entries.map(({ index }) => index)], [7, [4, 3]])
    const second = await failedPage(to, {}, { count: 2, cursor: first.next ?? '' })
    assert.deepEqual(
      second.entries.map(({ index }) => index),
      [2, 1],
    )
    assert.deepEqual(await indexes({}, 2), [4, 3, 2, 1, 0])
    assert.deepEqual((await failedPage(to, {}, { cursor: '99' })).entries.length, 5)
    await assert.rejects(failedPage(to, {}, { cursor: 'x' }), /cursor: expected/)
    assert.equal((await failedEntry(to, 'job2'))?.index, 2)
    assert.equal((await failedEntry(to, '2'))?.id, 'job2')
    assert.equal(await failedEntry(to, 'no'), undefined)
    await add(entry(9, { error: 'after job2' }))
    assert.equal((await failedEntry(to, 'job2'))?.index, 2, 'another entry has this ID in its error')
  })

  it('are filtered by class (of a step: its job), queue, cause, error, text and time', async () => {
    const step = { payload: { class: 'ResqueRuntime::Step', args: ['run1', '2', 'CountStep'] }, queue: 'steps' }
    await add(
      entry(0),
      entry(1, { cause: undefined, exception: 'TypeError', error: 'no "x" é', retried_at: '2026/01/02 00:00:00 UTC' }),
      entry(2, step),
      entry(3, { failed_at: 'yesterday' }),
    )
    assert.deepEqual(await indexes({ class: 'CountStep' }), [2])
    assert.deepEqual(await indexes({ class: 'OddJob' }), [3, 1])
    assert.deepEqual(await indexes({ queue: 'steps' }), [2])
    assert.deepEqual(await indexes({ cause: '' }), [1])
    assert.deepEqual(await indexes({ cause: 'timeout', exception: 'TimeoutError', error: 'slow 3' }), [3])
    assert.deepEqual(await indexes({ text: 'RUN1' }), [2])
    assert.deepEqual(await indexes({ text: '"X" É' }), [1])
    assert.deepEqual(await indexes({ retried: true }), [1])
    assert.deepEqual(await indexes({ retried: false }), [3, 2, 0])
    const [since, until] = [Date.UTC(2026, 0, 1, 0, 1), Date.UTC(2026, 0, 1, 0, 2)]
    assert.deepEqual(await indexes({ sinceMs: since }), [2, 1])
    assert.deepEqual(await indexes({ sinceMs: since, untilMs: until }), [1])
  })

  it('are grouped by cause, class and error; the group selects its entries', async () => {
    await add(entry(0), entry(2), entry(4, { cause: undefined }), entry(1))
    const { groups, total, looked } = await failedGroups(to)
    assert.deepEqual([total, looked], [4, 4])
    assert.deepEqual(
      groups.map(({ cause, class: name, count, error }) => [cause, name, count, error]),
      [
        ['timeout', 'EvenJob', 2, 'slow 2'],
        ['timeout', 'OddJob', 1, 'slow 1'],
        [undefined, 'EvenJob', 1, 'slow 4'],
      ],
    )
    const [first] = groups
    assert.deepEqual([first?.firstSeenMs, first?.lastSeenMs], [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1, 0, 2)])
    assert.deepEqual(await indexes(first?.filter ?? {}), [1, 0])
    assert.deepEqual(await indexes(groups[2]?.filter ?? {}), [2])
  })

  it('of other producers, which have no error or a step that is none, make groups of their own', async () => {
    const foreign = (payload: object, more: object = {}): string => JSON.stringify({ payload, queue: 'low', ...more })
    await add(
      entry(0, { cause: undefined }),
      foreign({ class: 'EvenJob', args: [] }),
      foreign({ class: 'ResqueRuntime::Step', args: {} }),
      foreign({ class: 'ResqueRuntime::Step', args: ['run1', 2] }),
      foreign({ class: 'ResqueRuntime::Step', args: ['run1', '2', 3] }),
      foreign({ args: [] }),
      foreign({ class: { a: 1 } }),
    )
    const { groups } = await failedGroups(to)
    assert.deepEqual(
      groups.map(({ class: name, exception, count, error }) => [name, exception, count, error]),
      [
        ['ResqueRuntime::Step', '', 2, ''],
        ['{"a":1}', '', 1, ''],
        ['-', '', 1, ''],
        ['?', '', 1, ''],
        ['EvenJob', '', 1, ''],
        ['EvenJob', 'TimeoutError', 1, 'slow 0'],
      ],
    )
    assert.deepEqual(await indexes(groups[4]?.filter ?? {}), [1], 'not that of the same class with an error')
    assert.deepEqual(await indexes({ error: 'slow' }), [0])
    assert.equal(groups[4]?.firstSeenMs, undefined)
  })

  it('look at a bounded part of a list of 200,000 at a time', async () => {
    const script = 'for i = 1, 200 do redis.call("RPUSH", KEYS[1], unpack(ARGV)) end'
    const thousand = Array.from({ length: 1000 }, (_, n) => entry(n))
    await server.client().eval(script, 1, 'resque:failed', ...thousand)
    const newest = await failedPage(to)
    assert.deepEqual([newest.total, newest.looked, newest.entries.length], [200_000, 50, 50])
    const none = await failedPage(to, { class: 'NoSuchJob' })
    assert.deepEqual([none.entries, none.looked, none.next], [[], stepEntries, String(200_000 - stepEntries - 1)])
    const short = await failedPage(to, { class: 'NoSuchJob' }, { mostMs: 0 })
    assert.deepEqual([short.entries, short.looked, short.next], [[], 250, '199749'])
    const middle = await failedPage(to, { text: 'job500"' }, { cursor: '100000', count: 1 })
    assert.equal(middle.entries[0]?.id, 'job500')
  })
})
