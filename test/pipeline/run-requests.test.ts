// Promise: a run request that was inserted with SQL is decided once, whatever is killed between which two steps.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type pg from 'pg'
import { makeRunRequests } from '../../cli/services.ts'
import type { Context } from '../../cli/context.ts'
import { migrate, openPool } from '../../runtime/archive/postgres.ts'
import type { Service } from '../../runtime/core/service.ts'
import { systemClock } from '../../runtime/core/clock.ts'
import { Pipelines } from '../../runtime/workflow/pipelines/pipelines.ts'
import { readPipelines } from '../../runtime/workflow/definitions/pipeline.ts'
import { heardLog } from '../archive/support.ts'
import { blocksOf } from '../support/documents.ts'
import { usePostgres } from '../support/postgres.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { StepDriver } from '../workflow/support.ts'

const redis = useRedis()
const postgres = usePostgres()

let driver: StepDriver
let pipelines: Pipelines
let pool: pg.Pool
let url: string
let leads = true
let log = heardLog()
let started: Service[] = []

beforeEach(async () => {
  ;[leads, log, started] = [true, heardLog(), []]
  driver = await new StepDriver(redis).register()
  const target = {
    store: driver.store,
    clock: systemClock,
    ttlMs: 60_000,
    maxPayloadBytes: 10_000,
    recordTtlMs: 10_000,
  }
  pipelines = new Pipelines(target)
  await pipelines.load('etl: { queue: work, jobs: [{ name: extract, class_name: E }, { name: load, class_name: L }] }')
  url = await postgres.database()
  pool = openPool(url)
})
afterEach(async () => {
  for (const service of started) await service.stop()
  await pool.end()
  driver.close()
})

/** The reader as `runtime scheduler` has it. */
async function read(): Promise<void> {
  const config = { archive: { url }, namespace: 'resque', limits: { maxPayloadBytes: 10_000, recordTtlMs: 10_000 } }
  const context = { config: { ...config, workflows: { ttlMs: 60_000 } }, store: driver.store, log }
  for (const service of makeRunRequests(context as unknown as Context, () => leads)) {
    started.push(service)
    await service.start()
  }
}

interface Row {
  status: string
  reason: string | null
  run_id: string | null
  decided_at: Date | null
}
const row = async (id: string): Promise<Row> =>
  (await pool.query<Row>('select * from runtime_archive.run_request where request_id = $1', [id])).rows[0] as Row
const decided = (id: string): Promise<Row> =>
  eventually(async () => {
    const found = await row(id)
    return found.status === 'Pending' ? undefined : found
  })
async function insert(columns: string, ...values: unknown[]): Promise<string> {
  const places = values.map((_, i) => `$${i + 1}`).join(', ')
  const text = `insert into runtime_archive.run_request (${columns}) values (${places}) returning request_id`
  return (await pool.query<{ request_id: string }>(text, values)).rows[0]?.request_id ?? ''
}
const runs = async (): Promise<number> => (await pipelines.runs('etl')).length

describe('run requests of SQL', () => {
  beforeEach(() => migrate(pool))

  it("are decided from Rush's own statement, and say what became of them", async () => {
    await pool.query(
      "set search_path to runtime_archive; INSERT INTO run_request (pipeline, job, jobinstance, status) VALUES ('etl', 'load', 1, 'Pending')",
    )
    const { rows } = await pool.query<{ request_id: string }>('select request_id from runtime_archive.run_request')
    await read()
    const { status, run_id: run, decided_at: at } = await decided(rows[0]?.request_id ?? '')
    assert.equal(status, 'Accepted')
    assert.ok(at)
    const { steps } = await pipelines.show(run ?? '')
    assert.deepEqual(
      steps.map(({ name, state }) => `${name} ${state}`),
      ['load Ready'],
    )
  })

  it('the SQL of docs/ runs: requests, their outcomes, and the export from Rush', async () => {
    await pool.query(`create schema rush; set search_path to rush, runtime_archive;
      create table pipeline (name text, definition json);
      create table job_parameter (pipeline text, job text, key text, value text);
      insert into pipeline values ('etl', '{"jobs": [{"name": "load", "class_name": "L", "retry_limit": 1}]}');
      insert into job_parameter values ('etl', 'load', 'table', 'facts')`)
    const blocks = ['docs/pipelines.md', 'docs/from-rush.md'].flatMap(blocksOf)
    const statements = blocks.filter(({ language }) => language === 'sql').map(({ text }) => text)
    assert.equal(statements.length, 3)
    const results = []
    for (const text of statements)
      results.push(
        [await pool.query<Record<string, unknown>>(`set search_path to rush, runtime_archive; ${text}`)].flat(),
      )
    const [[, requested], [, exported]] = results as { rows: Record<string, unknown>[] }[][] as any
    assert.ok(requested.rows[0].request_id)
    const [definition] = readPipelines(JSON.stringify(exported.rows[0].json_agg))
    assert.deepEqual(
      definition?.steps.map(({ name, params }) => [name, params]),
      [['load', { table: 'facts' }]],
    )
  })

  it('take parameters as they are, and are rejected with a reason', async () => {
    const good = await insert('pipeline, jobinstance, params', 'etl', 2, '{"id": 12345678901234567890}')
    const bad = [
      await insert('pipeline', 'none'),
      await insert('pipeline, job', 'etl', 'lod'),
      await insert('pipeline, jobinstance', 'etl', 0),
      await insert('pipeline, params', 'etl', '[1]'),
    ]
    const elsewhere = await insert('pipeline, namespace', 'etl', 'other')
    await read()
    const { steps } = await pipelines.show((await decided(good)).run_id ?? '')
    assert.deepEqual(steps[0]?.params, { id: 12345678901234567890n })
    const reasons = (await Promise.all(bad.map(decided))).map(({ status, reason }) => `${status} ${reason}`)
    const expected = [/unknown pipeline "none"/, /lod/, /whole number from 1, got 0/, /expected an object, got \[1\]/]
    reasons.forEach((reason, i) => assert.match(reason, expected[i] as RegExp))
    assert.equal((await row(elsewhere)).status, 'Pending')
    await assert.rejects(insert('pipeline, status', 'etl', 'pending'), /violates check constraint/)
  })

  it('are neither lost nor run twice by a crash between any two steps', async () => {
    const [written, ended, plain] = [randomUUID(), randomUUID(), randomUUID()]
    // One crashed before the decision, one before the row was written, one before anything.
    await pipelines.request('etl', { id: written, instance: 1, by: 'sql' })
    const first = await pipelines.run('etl', { id: ended, instance: 2, by: 'sql' })
    for (const [i, id] of [written, ended, plain].entries())
      await insert('request_id, pipeline, jobinstance', id, 'etl', i + 1)
    // Two that both believe to lead.
    await Promise.all([read(), read()])
    const rows = await Promise.all([written, ended, plain].map(decided))
    assert.deepEqual(
      rows.map(({ status }) => status),
      ['Accepted', 'Accepted', 'Accepted'],
    )
    assert.equal(rows[1]?.run_id, first.run)
    assert.equal(await runs(), 3)
    // Pending again by hand: the decision stands.
    await pool.query("update runtime_archive.run_request set status = 'Pending', run_id = null")
    assert.equal((await decided(ended)).run_id, first.run)
    assert.equal(await runs(), 3)
  })

  it('wait while another leads', async () => {
    leads = false
    const id = await insert('pipeline', 'etl')
    await read()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal((await row(id)).status, 'Pending')
    leads = true
    assert.equal((await decided(id)).status, 'Accepted')
  })
})

it('without the schema, the log says once what to do', async () => {
  await read()
  await eventually(() => log.lines.some((line) => /run requests: .*runtime archive migrate/.test(line)))
})

it('a request with an id of its own can be repeated', async () => {
  const first = await pipelines.run('etl', { id: 'nightly-1', instance: 7 })
  const again = await pipelines.run('etl', { id: 'nightly-1', instance: 7 })
  assert.deepEqual(again, first)
  await assert.rejects(pipelines.run('etl', { id: 'a b' }), { code: 'ERR_ARGUMENT' })
})
