// One contract over both archives: what goes through the real scripts comes out of Redis and out of PostgreSQL alike.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Archive, ArchivePage, ArchiveQuery } from '../../runtime/archive/archive.ts'
import { Archiver } from '../../runtime/archive/archiver.ts'
import { openArchive, type ArchiveSettings } from '../../runtime/archive/open-archive.ts'
import { migrate, openPool } from '../../runtime/archive/postgres.ts'
import { systemClock } from '../../runtime/core/clock.ts'
import type { Store } from '../../runtime/store/store.ts'
import { usePostgres } from '../support/postgres.ts'
import { useRedis } from '../support/redis.ts'
import { createRun } from '../../runtime/workflow/run/create-run.ts'
import { testStore } from '../support/store.ts'
import { endJob, heardLog } from './support.ts'
import { reserveOne } from '../support/reserve.ts'

const redis = useRedis()
const postgres = usePostgres()
const bounds = { maxRecords: 1000, maxPending: 1000, batchSize: 3 }

for (const keep of ['redis', 'postgres'] as const) {
  describe(`an archive in ${keep}`, () => {
    let store: Store
    let archive: Archive
    let archiver: Archiver
    const namespace = 'arch'

    beforeEach(async () => {
      store = testStore(redis, namespace)
      const settings: ArchiveSettings = {
        ...bounds,
        ...(keep === 'postgres' ? { url: await postgres.database() } : {}),
      }
      if (settings.url !== undefined) {
        const pool = openPool(settings.url)
        assert.deepEqual(await migrate(pool), { from: 0, to: 2 })
        assert.deepEqual(await migrate(pool), { from: 2, to: 2 }, 'a second time changes nothing')
        await pool.end()
      }
      archive = openArchive(store, settings, namespace)
      archiver = new Archiver({ store, clock: systemClock, log: heardLog(), settings, namespace })
      await archiver.start()
    })
    afterEach(async () => {
      await archiver.stop()
      await archive.close()
      store.close()
    })
    /** Stopping moves what there is: no waiting in tests. */
    const search = async (query: ArchiveQuery = {}, limit = 100): Promise<string[]> => {
      await archiver.stop()
      return (await archive.search(query, limit)).map(({ id }) => id)
    }

    /** All pages of `count` records, one after the other. */
    const paged = async (query: ArchiveQuery, count: number): Promise<string[]> => {
      const ids: string[] = []
      for (let cursor: string | undefined; ;) {
        const page: ArchivePage = await archive.page(query, cursor, count)
        ids.push(...page.records.map(({ id }) => id))
        if ((cursor = page.next) === undefined) return ids
      }
    }

    it('keeps what a job was and how it ended', async () => {
      const at = Date.now()
      const evidence = {
        cause: 'memory',
        wallMs: 120,
        waitedMs: 30,
        cpuUserMs: 70,
        cpuSystemMs: 5,
        peakRssBytes: 9000,
        output: ['bye'],
      }
      const error = { name: 'MemoryLimitError', message: 'too\u0000much \ud800', backtrace: ['at x'] }
      const args = '[{"user":7,"n":12345678901234567890,"bad":"\\u0000"},"two"]'
      const fields = { cause: 'memory', evidence: JSON.stringify(evidence), error: JSON.stringify(error) }
      const id = await endJob(store, { class: 'ImportJob', args, state: 'failed', fields, endedAtMs: at, queue: 'low' })
      await store.jobs.addLog(id, ['x'], 5, 1000)
      assert.deepEqual(await search(), [id])
      const found = await archive.find(id)
      assert.ok(found)
      const { details, ...rest } = found
      assert.deepEqual(
        { ...rest, startedAtMs: undefined, enqueuedAtMs: undefined },
        {
          ...{ id, kind: 'job', class: 'ImportJob', queue: 'low', outcome: 'failed', cause: 'memory', args },
          ...{ endedAtMs: at, waitMs: 30, runMs: 120, cpuMs: 75, peakRssBytes: 9000, attempts: 1 },
          ...{
            startedAtMs: undefined,
            enqueuedAtMs: undefined,
            ...(keep === 'postgres' ? { runId: undefined, label: undefined } : {}),
          },
        },
      )
      assert.equal(found.startedAtMs, at - 10)
      assert.equal((details.error as { name: string }).name, 'MemoryLimitError')
      assert.deepEqual((details.evidence as { output: string[] }).output, ['bye'])
      assert.equal(await archive.find('nobody'), undefined)
    })

    it('finds by class, outcome, time and arguments, the latest first', async () => {
      const now = Date.now()
      await endJob(store, { id: 'a', class: 'A', args: '[{"user":7}]', endedAtMs: now - 3000 })
      await endJob(store, { id: 'b', class: 'B', args: '["u1",{"user":"7"}]', endedAtMs: now - 2000, state: 'failed' })
      await endJob(store, { id: 'c', class: 'A', args: '["u1"]', endedAtMs: now - 1000, queue: 'low' })
      await endJob(store, { id: 'd', item: 'rubbish {', endedAtMs: now, state: 'failed' })
      assert.deepEqual(await search(), ['d', 'c', 'b', 'a'])
      assert.deepEqual(await search({}, 2), ['d', 'c'])
      assert.deepEqual([await paged({}, 1), await paged({}, 3), await paged({ class: 'A' }, 1)], [['d', 'c', 'b', 'a'], ['d', 'c', 'b', 'a'], ['c', 'a']]) // prettier-ignore
      assert.deepEqual(await archive.counted({ class: 'A' }), { count: 2, isExact: true })
      await assert.rejects(archive.page({}, 'x', 1), { code: 'ERR_ARGUMENT' })
      assert.deepEqual(await search({ class: 'A' }), ['c', 'a'])
      assert.deepEqual(await search({ class: 'A', outcome: 'failed' }), [])
      assert.deepEqual(await search({ outcome: 'failed' }), ['d', 'b'])
      assert.deepEqual(await search({ sinceMs: now - 2000, untilMs: now }), ['c', 'b'])
      assert.deepEqual(await search({ queue: 'low' }), ['c'])
      assert.deepEqual(await search({ args: [{ name: 'user', value: '7' }] }), ['b', 'a'])
      assert.deepEqual(await search({ args: [{ name: 'user', value: '"7"' }] }), ['b'])
      assert.deepEqual(await search({ args: [{ name: '0', value: 'u1' }] }), ['c', 'b'])
      assert.deepEqual(await search({ args: [{ name: '1', value: 'u1' }] }), [])
      assert.deepEqual(await search({ args: [{ name: 'user', value: '8' }] }), [])
    })

    it('takes SQL-looking text for text', async () => {
      const nasty = `'; drop table runtime_archive.records; --`
      const id = await endJob(store, { class: nasty, args: JSON.stringify([{ [nasty]: nasty }]) })
      assert.deepEqual(await search({ class: nasty, args: [{ name: nasty, value: nasty }] }), [id])
      assert.deepEqual(await search({ class: `${nasty}2`, queue: nasty }), [])
      assert.equal(await archive.count(), 1)
    })

    it('does not keep long arguments, but says how long they were', async () => {
      const id = await endJob(store, { class: 'BigJob', args: JSON.stringify(['x'.repeat(9000)]) })
      await search()
      const found = await archive.find(id)
      assert.equal(found?.class, 'BigJob')
      assert.equal(found?.args, undefined)
      assert.deepEqual(found?.details.omitted, { item: 9030 })
    })

    it('does not take the beginning of long arguments of a run for JSON', async () => {
      const target = { store, clock: systemClock, ttlMs: 60_000, maxPayloadBytes: 10_000, recordTtlMs: 1000 }
      const spec = { className: 'ImportFlow', graph: { nodes: [] } }
      const long = await createRun(target, { ...spec, args: [{ user: 7, text: 'x'.repeat(3000) }] })
      const short = await createRun(target, { ...spec, args: [{ user: 7 }] })
      for (const id of [long, short]) await store.runs.start(id, Date.now())
      assert.deepEqual(await search({ args: [{ name: 'user', value: '7' }] }), [short])
      const found = await archive.find(long)
      assert.equal(found?.args, undefined)
      assert.deepEqual(found?.details.omitted, { args: 3022 })
      assert.equal((await archive.find(short))?.args, '[{"user":7}]')
    })

    it('counts, and spreads times over each class', async () => {
      for (let n = 1; n <= 20; n += 1) {
        const fields = {
          evidence: JSON.stringify({ wallMs: n, waitedMs: n * 10, cpuUserMs: n, peakRssBytes: n * 1000 }),
        }
        await endJob(store, { class: 'A', fields, state: n > 15 ? 'failed' : 'done' })
      }
      await endJob(store, { class: 'B' })
      await archiver.stop()
      const none = { p50: undefined, p95: undefined }
      assert.deepEqual(await archive.stats({}), [
        {
          ...{ class: 'A', kind: 'job', count: 20, failed: 5, wait: { p50: 100, p95: 190 }, run: { p50: 10, p95: 19 } },
          ...{ cpu: { p50: 10, p95: 19 }, peakRssBytes: { p50: 10_000, p95: 19_000 } },
        },
        { class: 'B', kind: 'job', count: 1, failed: 0, wait: none, run: none, cpu: none, peakRssBytes: none },
      ])
      assert.deepEqual(
        (await archive.stats({ class: 'B' })).map(({ class: name }) => name),
        ['B'],
      )
    })

    it('prunes what ended before', async () => {
      const now = Date.now()
      await endJob(store, { id: 'old', endedAtMs: now - 10_000 })
      await endJob(store, { id: 'new', endedAtMs: now })
      await search()
      assert.equal(await archive.prune(now - 5000), 1)
      assert.equal(await archive.prune(now - 5000), 0)
      assert.deepEqual(await search(), ['new'])
    })
  })
}

describe('what has ended', () => {
  it('is there after a cancel and after a burial, too', async (t) => {
    const store = testStore(redis)
    t.after(() => store.close())
    await store.supervisors.register('dead', ['host:1:q'], {}, 1)
    await store.connection.redis.rpush(store.connection.keys.queue('q'), '{"class":"LostJob","args":[1]}')
    await store.supervisors.register('dead', ['host:1:q'], {}, 600_000)
    await reserveOne(store, 'dead', 'host:1:q', ['q'], 'lost', Date.now())
    await store.connection.redis.zadd(store.connection.keys.supervisors(), 1, 'dead')
    await store.supervisors.reclaim('dead', { maxRedeliveries: 0, failedMax: 10, ttlMs: 1000 }, Date.now())
    await store.connection.redis.hset(store.connection.keys.job('waits'), {
      ...{ state: 'waiting', queue: 'q', class: 'WaitJob', item: '{"class":"WaitJob","args":[]}' },
    })
    await store.connection.redis.rpush(store.connection.keys.queue('q'), '{"class":"WaitJob","args":[]}')
    assert.equal(await store.jobs.cancel('waits', Date.now(), 1000), 'cancelled')
    const found = await openArchive(store, bounds, 'resque').search({}, 10)
    assert.deepEqual(
      found.map(({ class: name, outcome, cause }) => `${name} ${outcome} ${cause}`),
      ['WaitJob cancelled undefined', 'LostJob failed worker lost'],
    )
  })
})

describe('the archive in Redis', () => {
  it('holds no more than its bound, the latest', async (t) => {
    const store = testStore(redis)
    t.after(() => store.close())
    await store.archive.configure('redis', 3)
    for (const id of ['a', 'b', 'c', 'd', 'e']) await endJob(store, { id })
    const archive = openArchive(store, { ...bounds, maxRecords: 3 }, 'resque')
    assert.deepEqual(
      (await archive.search({}, 10)).map(({ id }) => id),
      ['e', 'd', 'c'],
    )
    assert.equal((await store.archive.state()).dropped, 0)
    await store.archive.configure('redis', 0)
    await endJob(store, { id: 'f' })
    assert.equal(await archive.count(), 3, 'a bound of 0 keeps nothing more')
  })
})
