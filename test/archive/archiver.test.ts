// Promise: what has ended reaches PostgreSQL at least once and stands there once, whatever is away or comes twice.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Archiver } from '../../runtime/archive/archiver.ts'
import { openArchive } from '../../runtime/archive/open-archive.ts'
import { checkSchema, migrate, openPool } from '../../runtime/archive/postgres.ts'
import { systemClock } from '../../runtime/core/clock.ts'
import type { Store } from '../../runtime/store/store.ts'
import { usePostgres } from '../support/postgres.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'
import { endJob, heardLog } from './support.ts'

const redis = useRedis()
const postgres = usePostgres()
const namespace = 'resque'
const patient = { timeoutMs: 30_000 }

let store: Store
let url: string
let started: { stop(): Promise<void> }[] = []

beforeEach(async () => {
  store = testStore(redis)
  url = await postgres.database()
})
afterEach(async () => {
  for (const service of started.splice(0)) await service.stop()
  started = []
  store.close()
})

async function migrated(): Promise<void> {
  const pool = openPool(url)
  await migrate(pool)
  await pool.end()
}

async function startArchiver({ maxPending = 1000, batchSize = 10 } = {}): Promise<{
  log: ReturnType<typeof heardLog>
  archiver: Archiver
}> {
  const log = heardLog()
  const settings = { url, maxRecords: 10, maxPending, batchSize }
  const archiver = new Archiver({ store, clock: systemClock, log, settings, namespace, pauseMs: 20 })
  started.push(archiver)
  await archiver.start()
  return { log, archiver }
}

async function archived(): Promise<string[]> {
  const archive = openArchive(store, { url, maxRecords: 1, maxPending: 1, batchSize: 1 }, namespace)
  try {
    return (await archive.search({}, 10_000)).map(({ id }) => id)
  } finally {
    await archive.close()
  }
}

const left = async (): Promise<number> => (await store.archive.state()).length

describe('moving to PostgreSQL', () => {
  it('moves what ended before and while it runs', async () => {
    await migrated()
    await endJob(store, { id: 'before' })
    await startArchiver()
    await eventually(async () => (await left()) === 0, patient)
    await endJob(store, { id: 'while' })
    await eventually(async () => (await left()) === 0, patient)
    assert.deepEqual((await archived()).sort(), ['before', 'while'])
    assert.equal((await store.archive.state()).taken, 2)
  })

  it('is safe twice at once, and when a batch is written again after a crash', async () => {
    await migrated()
    for (let n = 0; n < 60; n += 1) await endJob(store, { id: `j${n}` })
    // A crash between the write and the removal: the same entries are in PostgreSQL, and still wait.
    const first = await store.archive.page(undefined, 0, 1000)
    await startArchiver()
    await startArchiver()
    await eventually(async () => (await left()) === 0, patient)
    for (const { fields } of first)
      await store.connection.redis.xadd(store.connection.keys.archive(), '*', ...Object.entries(fields).flat())
    await eventually(async () => (await left()) === 0, patient)
    const ids = await archived()
    assert.equal(ids.length, 60)
    assert.equal(new Set(ids).size, 60)
  })

  it('lets another take over when the one whose turn it is has gone', async () => {
    await migrated()
    await store.archive.take('somebody', 300, 1)
    await endJob(store, { id: 'x' })
    await startArchiver()
    await eventually(async () => (await left()) === 0, patient)
    assert.deepEqual(await archived(), ['x'])
  })

  it('waits for the schema, and says what to do', async () => {
    await endJob(store, { id: 'x' })
    const { log } = await startArchiver()
    await eventually(
      () => log.lines.some((line) => /runtime archive migrate.*Redis keeps 1 record/.test(line)),
      patient,
    )
    assert.match((await store.archive.state()).trouble, /expected schema version 2 in PostgreSQL, found none/)
    await migrated()
    await eventually(async () => (await left()) === 0, patient)
    await eventually(() => log.lines.some((line) => line.includes('takes records again')), patient)
  })

  it('refuses a schema that is newer than this code', async () => {
    await migrated()
    const pool = openPool(url)
    await pool.query('insert into runtime_archive.migrations (version) values (99)')
    await assert.rejects(checkSchema(pool), {
      code: 'ERR_ARCHIVE',
      message: /version 2 or older.*found 99.*update this one/,
    })
    await assert.rejects(migrate(pool), { code: 'ERR_ARCHIVE', message: /found 99/ })
    await pool.end()
    await endJob(store, { id: 'x' })
    await startArchiver()
    await eventually(async () => (await store.archive.state()).trouble.includes('found 99'), patient)
    assert.equal(await left(), 1, 'nothing is lost')
    await assert.rejects(archived(), { code: 'ERR_ARCHIVE' })
  })

  it('writes nothing any more once somebody has made the schema newer', async () => {
    await migrated()
    await startArchiver()
    await endJob(store, { id: 'before' })
    await eventually(async () => (await left()) === 0, patient)
    const pool = openPool(url)
    await pool.query('insert into runtime_archive.migrations (version) values (99)')
    await endJob(store, { id: 'after' })
    await eventually(async () => (await store.archive.state()).trouble.includes('found 99'), patient)
    const { rows } = await pool.query('select id from runtime_archive.records')
    await pool.end()
    assert.deepEqual([rows, await left()], [[{ id: 'before' }], 1])
  })

  it('keeps records in Redis while PostgreSQL is away, drops the oldest beyond the bound, counts and says so', async () => {
    await migrated()
    await postgres.kill()
    const { log } = await startArchiver({ maxPending: 20 })
    for (let n = 0; n < 30; n += 1) await endJob(store, { id: `j${String(n).padStart(2, '0')}` })
    assert.equal(await left(), 20)
    assert.equal((await store.archive.state()).dropped, 10)
    await eventually(() => log.lines.some((line) => /is PostgreSQL running/.test(line)), patient)
    const said = (): number =>
      log.lines
        .map((line) => /dropped the oldest (\d+) records?: more than 20 waited/.exec(line)?.[1])
        .reduce((sum, count) => sum + Number(count ?? 0), 0)
    await eventually(() => said() === 10, { timeoutMs: 60_000 })
    await postgres.restart()
    await eventually(async () => (await left()) === 0, { timeoutMs: 60_000 })
    const ids = (await archived()).sort()
    assert.deepEqual([ids.length, ids[0]], [20, 'j10'])
    assert.equal((await store.archive.state()).trouble, '')
  })

  it('gives up only the record that PostgreSQL cannot take', async () => {
    await migrated()
    await endJob(store, { id: 'odd', args: '[1e999999]' })
    await endJob(store, { id: 'fine', args: '[1]' })
    await startArchiver()
    await eventually(async () => (await left()) === 0, patient)
    assert.deepEqual((await archived()).sort(), ['fine', 'odd'])
  })

  it('leaves the lock of another archiver alone when it stops', async () => {
    await store.archive.take('other', 10_000, 1)
    await store.archive.release('me')
    assert.equal(await store.archive.take('me', 10_000, 1), undefined)
    await store.archive.release('other')
    assert.deepEqual(await store.archive.take('me', 10_000, 1), [])
  })

  it('does not count as dropped what was being written when the bound dropped it', async () => {
    await store.archive.configure('postgres', 2)
    for (const id of ['a', 'b']) await endJob(store, { id })
    const taken = await store.archive.take('me', 10_000, 10)
    await endJob(store, { id: 'c' })
    assert.equal((await store.archive.state()).dropped, 1)
    await store.archive.done('me', taken?.map(({ entry }) => entry) ?? [], Date.now())
    const { dropped, length } = await store.archive.state()
    assert.deepEqual({ dropped, length }, { dropped: 0, length: 1 })
  })
})
