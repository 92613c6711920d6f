// The example, and what only real processes show.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import pg from 'pg'
import { usePostgres } from '../support/postgres.ts'
import { runCommand } from '../support/command.ts'
import { leavesNoProcess, ROOT, startCli, type Exit, type Running } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'

const redis = useRedis()
const postgres = usePostgres()

let dir: string
let worker: Running | undefined

beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'pipes-'))))
afterEach(async () => {
  await worker?.stop('SIGQUIT')
  worker = undefined
  rmSync(dir, { recursive: true })
})
leavesNoProcess({ withinMs: 20_000 })

const example = join(ROOT, 'examples/pipeline')
const pipes = join(ROOT, 'test/fixtures/apps/pipes')

interface Place {
  cwd: string
  env: Record<string, string>
}
const place = (cwd: string, archive?: string): Place => ({
  cwd,
  env: { REDIS_URL: redis.url, ...(archive === undefined ? {} : { RUNTIME_ARCHIVE_URL: archive }) },
})
const run = (at: Place, ...args: string[]): Promise<Exit> => runCommand(args, { ...at, timeoutMs: 120_000 })
async function runJson<T>(at: Place, ...args: string[]): Promise<T> {
  const { stdout, stderr } = await run(at, ...args, '--json')
  assert.ok(stdout !== '', stderr)
  return JSON.parse(stdout) as T
}
const startWorker = (at: Place, isolation = 'fork'): void =>
  void (worker = startCli(['work', '--queues', '*', '--isolation', isolation, '--log-level', 'warn'], at))

interface ShownRun {
  id: string
  status: string
  steps: {
    name: string
    state: string
    skipped: boolean
    attempts: number
    error?: { name: string }
    moves: { state: string; atMs: number }[]
  }[]
}
const path = (shown: ShownRun, step: number): string =>
  (shown.steps[step]?.moves ?? []).map(({ state }) => state).join(' ')

describe('the example', () => {
  it('extracts, fails twice and then transforms, and loads into PostgreSQL; all of it is in the archive there', async () => {
    const url = await postgres.database()
    const at = place(example, url)
    assert.equal((await run(at, 'archive', 'migrate')).stdout.trim(), 'migrated from version 0 to 2')
    const loaded = await run(at, 'pipeline', 'load')
    assert.match(loaded.stdout, /zones_by_country\t1\t3\tloaded/, loaded.stderr)
    startWorker(at)
    const followed = await run(
      at,
      'pipeline',
      'run',
      'zones_by_country',
      '--param',
      `dir=${dir}`,
      '--param',
      `postgres=${url}`,
      '--watch',
    )
    assert.equal(followed.exitCode, 0, `${followed.stdout}${followed.stderr}${worker?.stderr}`)
    const id = /^(\S+) finished$/m.exec(followed.stdout)?.[1] ?? ''
    const shown = await runJson<ShownRun>(at, 'pipeline', 'show', id)
    assert.equal(path(shown, 0), 'Waiting Ready Running Complete')
    assert.equal(
      path(shown, 1),
      'Waiting Ready Running Failed Waiting Ready Running Failed Waiting Ready Running Complete',
    )
    assert.equal(path(shown, 2), 'Waiting Ready Running Complete')
    assert.match(followed.stdout, /\ttransform\tFailed\n/)
    const gap = (shown.steps[1]?.moves ?? []).map(({ atMs }) => atMs)
    assert.ok((gap[5] ?? 0) - (gap[4] ?? 0) >= 300, 'it waited for the gap')

    const client = new pg.Client(url)
    await client.connect()
    const { rows } = await client.query<{ zones: number }>(
      `select zones from zones_by_country where country in ('US', 'DE') order by country`,
    )
    await client.end()
    assert.deepEqual([rows.length, (rows[1]?.zones ?? 0) > 20], [2, true])

    interface Found {
      id: string
      class: string
      kind: string
      outcome: string
      attempts: number
      runMs: number
      cpuMs?: number
      peakRssBytes?: number
      label?: string
      args?: unknown[]
      details: { attempts?: unknown[]; log?: string[] }
    }
    const found = await eventually(
      async () => {
        const all = await runJson<Found[]>(at, 'archive', 'search', '--since', '1h')
        return all.length >= 4 ? all : undefined
      },
      { timeoutMs: 60_000, intervalMs: 200 },
    )
    assert.deepEqual(found.map(({ kind, class: name }) => `${kind} ${name}`).sort(), [
      ...['pipeline zones_by_country', 'step CountZonesJob', 'step ExtractZonesJob', 'step LoadZonesJob'],
    ])
    const counted = found.find(({ class: name }) => name === 'CountZonesJob')
    assert.deepEqual([counted?.attempts, counted?.outcome, counted?.label], [3, 'done', 'transform'])
    assert.equal(counted?.details.attempts?.length, 2)
    const extracted = await runJson<Found[]>(
      at,
      'archive',
      'search',
      '--class',
      'ExtractZonesJob',
      '--outcome',
      'done',
      '--arg',
      `dir=${dir}`,
      '--run',
      id,
    )
    assert.deepEqual(
      extracted.map(({ details }) => details.log),
      [['312 zones']],
    )
    assert.ok((extracted[0]?.runMs ?? 0) > 0 && (extracted[0]?.peakRssBytes ?? 0) > 0, JSON.stringify(extracted[0]))
    const stats = await runJson<{ classes: { class: string; count: number }[] }>(at, 'archive', 'stats')
    assert.equal(stats.classes.length, 4)
    assert.equal((await runJson<Found>(at, 'archive', 'show', id)).outcome, 'finished')
    assert.equal((await run(at, 'archive', 'show', 'nobody')).exitCode, 1)
    assert.deepEqual(await runJson(at, 'archive', 'prune', '--before', '2000-01-01'), { removed: 0 })
  })

  it('loads into a file, with the archive in Redis', async () => {
    const at = place(example)
    await run(at, 'pipeline', 'load')
    startWorker(at, 'spawn')
    const done = await run(at, 'pipeline', 'run', 'zones_by_country', '--param', `dir=${dir}`, '--wait')
    assert.equal(done.exitCode, 0, done.stderr)
    const counts = JSON.parse(readFileSync(join(dir, 'zones-by-country.json'), 'utf8')) as Record<string, number>
    assert.ok((counts.US ?? 0) > 20)
    const found = await runJson<{ class: string }[]>(at, 'archive', 'search', '--kind', 'step')
    assert.deepEqual(
      found.map(({ class: name }) => name),
      ['LoadZonesJob', 'CountZonesJob', 'ExtractZonesJob'],
    )
  })
})

describe('pipelines with real processes', () => {
  it('kill a step that is out of time: Failed, then Stuck; skip resumes, stop stops', async () => {
    const at = place(pipes)
    await run(at, 'pipeline', 'load')
    startWorker(at)
    const file = join(dir, 'told')
    const stuck = await run(at, 'pipeline', 'run', 'hanging', '--param', `file=${file}`, '--wait')
    assert.equal(stuck.exitCode, 1)
    const id = stuck.stdout.split(' ')[0] ?? ''
    const shown = await runJson<ShownRun>(at, 'pipeline', 'show', id)
    assert.equal(path(shown, 0), 'Waiting Ready Running Failed Waiting Ready Running Stuck')
    assert.deepEqual(
      [shown.status, shown.steps[0]?.error?.name, shown.steps[0]?.attempts],
      ['failed', 'TimeoutError', 2],
    )
    assert.match((await run(at, 'pipeline', 'show', id)).stdout, /hang\tHangJob\tStuck\t.*TimeoutError/)
    const listed = (await runJson<{ name: string; latest: { at: unknown } }[]>(at, 'pipeline', 'list'))[1]
    assert.deepEqual([listed?.name, listed?.latest.at], ['hanging', { step: 'hang', state: 'Stuck' }])
    const skipped = await run(at, 'pipeline', 'skip', id, '--watch')
    assert.match(skipped.stdout, new RegExp(`${id} finished`), skipped.stderr)
    assert.equal(readFileSync(file, 'utf8'), `${JSON.stringify({ file })}\n`)
    const again = await run(at, 'pipeline', 'retry', id)
    assert.match(again.stderr, /expected a step that is Stuck/)

    const long = (await run(at, 'pipeline', 'run', 'endless', '--instance', '2')).stdout.trim()
    const rejected = await run(at, 'pipeline', 'run', 'endless', '--instance', '2')
    assert.equal(rejected.exitCode, 1)
    assert.match(rejected.stderr, new RegExp(`Rejected: instance 2 of endless is running: run ${long}`))
    assert.equal((await run(at, 'pipeline', 'stop', long)).stdout, `${long} stopped\n`)
    assert.deepEqual(
      (await runJson<{ status: string }[]>(at, 'pipeline', 'runs', '--requests')).map(({ status }) => status),
      ['Rejected', 'Accepted', 'Accepted'],
    )
  })

  it('take parameters from the command, and start from schedules', async () => {
    const at = place(pipes)
    await run(at, 'pipeline', 'load')
    startWorker(at, 'inline')
    const file = join(dir, 'told')
    assert.equal((await run(at, 'pipeline', 'params', 'telling', `file=${file}`, 'n=7')).exitCode, 0)
    assert.equal((await run(at, 'pipeline', 'params', 'telling', 'n=8', '--step', 'tell')).exitCode, 0)
    assert.deepEqual(await runJson(at, 'pipeline', 'params', 'telling', '--unset', 'nothing'), {
      '': { file, n: 7 },
      tell: { n: 8 },
    })
    const fired = await run(at, 'schedule', 'run', 'nightly')
    assert.equal(fired.exitCode, 0, fired.stderr)
    const told = await eventually(() => readFileSync(file, 'utf8'), { timeoutMs: 60_000 })
    assert.deepEqual(JSON.parse(told), { day: 'friday', file, n: 8 })
    const [request] = await runJson<{ by: string; instance: number; status: string }[]>(
      at,
      'pipeline',
      'runs',
      '--requests',
    )
    assert.deepEqual([request?.by, request?.instance, request?.status], ['schedule nightly', 4, 'Accepted'])
  })

  it('refuse what is wrong, with status 2 and one line', async () => {
    const at = place(pipes)
    const nothing = await run(at, 'pipeline', 'run', 'telling')
    assert.deepEqual([nothing.exitCode, /unknown pipeline "telling"; none is loaded/.test(nothing.stderr)], [1, true])
    const missing = await run(at, 'pipeline', 'load', 'nowhere.yml')
    assert.deepEqual(
      [missing.exitCode, /nowhere\.yml: expected a file of pipelines: it is not there/.test(missing.stderr)],
      [2, true],
    )
    const unknown = await run(at, 'pipeline', 'load', join(example, 'pipelines.yml'))
    assert.deepEqual([unknown.exitCode, /unknown class ExtractZonesJob/.test(unknown.stderr)], [2, true])
    const bad = await run(at, 'pipeline', 'run', 'telling', '--param', 'novalue')
    assert.deepEqual([bad.exitCode, /expected name=value/.test(bad.stderr)], [2, true])
    const noUrl = await run(at, 'archive', 'migrate')
    assert.deepEqual([noUrl.exitCode, /archive\.url: expected postgres/.test(noUrl.stderr)], [2, true])
    const away = await run(place(pipes, 'postgres://user:secret@127.0.0.1:1/db'), 'archive', 'search')
    assert.deepEqual(
      [away.exitCode, away.stderr.includes('secret'), /is PostgreSQL running/.test(away.stderr)],
      [1, false, true],
    )
  })
})
