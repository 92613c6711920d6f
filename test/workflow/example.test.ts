// examples/import-workflow as its README tells it, through the command, with real workers.
import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeApp, removesApps } from '../support/app.ts'
import { runCommand } from '../support/command.ts'
import { leavesNoProcess, ROOT, runCli, startCli, type Exit } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'

const redis = useRedis()
leavesNoProcess()
removesApps()

async function importApp(): Promise<{ root: string; runtime: (...args: string[]) => Promise<Exit> }> {
  const root = await makeApp()
  cpSync(`${ROOT}examples/import-workflow`, root, { recursive: true })
  const runtime = (...args: string[]): Promise<Exit> =>
    runCommand(args, { cwd: root, env: { REDIS_URL: redis.url }, timeoutMs: 60_000 })
  return { root, runtime }
}

test('the import runs, fails by name without its prices, and is continued', { timeout: 120_000 }, async () => {
  const { root, runtime } = await importApp()
  const worker = startCli(['work'], { cwd: root, env: { REDIS_URL: redis.url } })

  const good = await runtime('workflow', 'run', 'ImportWorkflow', '"data"', '--wait', '--json')
  assert.equal(good.exitCode, 0, good.stderr)
  const shown = JSON.parse(good.stdout) as {
    id: string
    status: string
    total: number
    classes: object
    outputs: { job: string; class: string; output: unknown }[]
  }
  assert.deepEqual([shown.status, shown.total], ['finished', 9])
  assert.deepEqual(
    shown.outputs.map(({ class: name, output }) => [name, output]),
    [['GenReportJob', { imported: 4, dropped: 1 }]],
  )
  const text = (await runtime('workflow', 'show', shown.id, '--jobs', 'all')).stdout
  assert.match(text, /^output of job \d+ GenReportJob: {"imported":4,"dropped":1}$/m)
  assert.match(text, /^\d+\tGenReportJob\tfinished\tlow\t1\t.*\t{"imported":4,"dropped":1}$/m)
  const found = JSON.parse((await runtime('archive', 'search', '--class', 'GenReportJob', '--json')).stdout) as {
    id: string
  }[]
  for (const name of ['job', 'archive'])
    assert.match((await runtime(name, 'show', found[0]?.id ?? '')).stdout, /{"imported":4,"dropped":1}/)
  assert.deepEqual(shown.classes, {
    ImportXmlJob: { finished: 1 },
    GenReportJob: { finished: 1 },
    DownloadCsvJob: { finished: 1 },
    TellOperatorJob: { skipped: 1 },
    ImportRowJob: { finished: 5 },
  })
  const report = JSON.parse(readFileSync(join(root, 'data/report.json'), 'utf8')) as {
    imported: number
    dropped: number
    products: object[]
  }
  assert.deepEqual(
    [report.imported, report.dropped, report.products[0]],
    [4, 1, { sku: 'A-1', name: 'Anvil', price: 120 }],
  )

  renameSync(join(root, 'data/prices.xml'), join(root, 'data/elsewhere.xml'))
  const bad = await runtime('workflow', 'run', 'ImportWorkflow', '"data"', '--watch')
  assert.equal(bad.exitCode, 1)
  assert.match(bad.stdout, /blocked by job 0 ImportXmlJob: Error: ENOENT/)
  assert.ok(existsSync(join(root, 'data/report.json.alarm')))
  const { runs } = JSON.parse((await runtime('workflow', 'list', '--status', 'failed', '--json')).stdout) as {
    runs: { id: string; counts: object }[]
  }
  assert.deepEqual(
    runs.map(({ counts }) => counts),
    [{ blocked: 1, finished: 7, failed: 1 }],
  )
  const id = runs[0]?.id ?? ''

  renameSync(join(root, 'data/elsewhere.xml'), join(root, 'data/prices.xml'))
  assert.equal((await runtime('workflow', 'continue', id)).stdout, `${id} running\n`)
  await runtime('workflow', 'show', id, '--watch')
  const mended = JSON.parse((await runtime('workflow', 'show', id, '--jobs', 'all', '--json')).stdout) as {
    status: string
    jobs: { class: string; attempts: number }[]
  }
  assert.equal(mended.status, 'finished')
  assert.deepEqual(
    mended.jobs.filter((job) => job.class === 'ImportRowJob').map((job) => job.attempts),
    [1, 1, 1, 1, 1],
  )
  await worker.stop('SIGTERM')
})

test(
  'the command by hand: create, viz, start, overlap, stop, expire, rm, and what it refuses',
  { timeout: 120_000 },
  async () => {
    const { root, runtime } = await importApp()
    const id = (await runtime('workflow', 'create', 'ImportWorkflow', '"data"')).stdout.trim()
    assert.match(
      (await runtime('workflow', 'viz', 'ImportWorkflow', '"data"', '--format', 'text')).stdout,
      /^ImportWorkflow: 4 jobs\nImportXmlJob\nDownloadCsvJob\n {2}GenReportJob {2}← ImportXmlJob, DownloadCsvJob\n {2}TellOperatorJob {2}← ImportXmlJob \(failed\)\n$/,
    )
    assert.match((await runtime('workflow', 'viz', id, '--format', 'mermaid')).stdout, /n0 -\. failed \.-> n3/)
    assert.equal((await runtime('workflow', 'viz', id, '--out', 'run.svg')).stdout, 'wrote run.svg\n')
    assert.match(readFileSync(join(root, 'run.svg'), 'utf8'), /<svg[\s\S]*GenReportJob/)
    assert.equal((await runtime('workflow', 'start', id)).stdout, `${id} running\n`)

    const refused: [args: string[], exitCode: number, message: RegExp][] = [
      [['start', id], 1, /expected it to be pending, it is running/],
      [['continue', id], 1, /expected it to be failed or stopped, it is running/],
      [['rm', id], 1, /stop it/],
      [['run', 'ImportWorkflow', '"data"'], 1, new RegExp(`run ${id} is; wait for its end or stop it`)],
      [['show', 'nothing'], 1, /no workflow run "nothing"/],
      [['create', 'NoSuchFlow'], 2, /NoSuchFlow: expected one of ImportWorkflow/],
      [['create', 'ImportWorkflow', 'data'], 2, /expected JSON/],
      [['list', '--status', 'broken'], 2, /status/],
      [['show', id, '--bogus'], 2, /bogus/],
      [['retry', id, '0'], 1, /expected a failed job, it is queued/],
      [['skip', id, '99'], 1, /has no job 99/],
    ]
    for (const [args, exitCode, message] of refused) {
      const said = await runtime('workflow', ...args)
      assert.equal(said.exitCode, exitCode, `${args.join(' ')}: ${said.stderr}`)
      assert.match(said.stderr, message)
      assert.equal(said.stderr.trim().split('\n').length, 1, said.stderr)
    }
    assert.equal((await runtime('workflow', 'stop', id)).stdout, `${id} stopped\n`)
    assert.equal((await runtime('workflow', 'expire', id, '1h')).exitCode, 0)
    assert.equal((await runtime('workflow', 'rm', id)).stdout, `removed ${id}\n`)
    assert.deepEqual(JSON.parse((await runtime('workflow', 'list', '--json')).stdout), { count: 0, runs: [] })
  },
)

test('the README begins without a Redis; a --timeout that is none starts nothing', { timeout: 60_000 }, async () => {
  const { root, runtime } = await importApp()
  const away = { cwd: root, env: { REDIS_URL: 'redis://127.0.0.1:1' }, timeoutMs: 30_000 }
  const drawn = await runCli(['workflow', 'viz', 'ImportWorkflow', '"data"', '--format', 'text'], away)
  assert.equal(drawn.exitCode, 0, drawn.stderr)
  assert.match(drawn.stdout, /^ImportWorkflow: 4 jobs\n/)

  for (const follow of ['--wait', '--watch']) {
    const said = await runtime('workflow', 'run', 'ImportWorkflow', '"data"', follow, '--timeout', 'banana')
    assert.equal(said.exitCode, 2)
    assert.match(said.stderr, /^runtime: --timeout: expected .*, got "banana".* \[ERR_ARGUMENT\]\n$/)
  }
  assert.deepEqual(JSON.parse((await runtime('workflow', 'list', '--json')).stdout), { count: 0, runs: [] })
})
