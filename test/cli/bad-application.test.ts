// A broken application stops `work` at its start, with file and line; a wrong setting stops every command.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadAppHere } from '../../cli/context.ts'
import { report, writeTo } from '../../cli/output.ts'
import type { Isolation } from '../../config/isolations.ts'
import { silentLogger } from '../../runtime/core/logger.ts'
import type { AppSource } from '../../runtime/jobs/app.ts'
import type { Launcher } from '../../runtime/worker/launchers/launcher.ts'
import { SpawnLauncher } from '../../runtime/worker/launchers/spawn/spawn.ts'
import { makeApp, removesApps } from '../support/app.ts'
import { runHere } from '../support/command.ts'
import { leavesNoProcess, runCli, startCli } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { forkLauncher, noFallback } from '../worker/fork/support.ts'

leavesNoProcess()
removesApps()
const server = useRedis()

const broken: [name: string, file: string, text: string, said: RegExp][] = [
  ['does not compile', 'a-job.ts', '\n\nexport class {', /src\/jobs\/a-job\.ts:3:1\d: .*Expected identifier/s],
  ['is no JavaScript', 'a-job.js', '\n\nexport class {', /src\/jobs\/a-job\.js.*:3/s],
  [
    'throws at import',
    'a-job.ts',
    "const a: number = 1\n\nthrow new RangeError('no luck')\nexport { a }",
    /src\/jobs\/a-job\.ts: .*no luck.*a-job\.ts:3/,
  ],
  [
    'imports what is not there',
    'a-job.ts',
    "\nimport { x } from './nowhere.ts'\nexport { x }",
    /src\/jobs\/a-job\.ts.*nowhere/s,
  ],
  [
    'exports nothing',
    'a-job.ts',
    'const a = 1\nvoid a',
    /src\/jobs\/a-job\.ts: expected it to export a job, it exports nothing/,
  ],
  [
    'exits at import',
    'a-job.ts',
    '\nprocess.exit(0)\nexport {}',
    /src\/jobs\/a-job\.ts: .*process\.exit\(0\).*a-job\.ts:2/,
  ],
  [
    'rejects at import',
    'a-job.ts',
    "\nvoid Promise.reject(new Error('no luck'))\nexport const a = 1",
    /src\/jobs\/a-job\.ts: a promise .*no luck.*a-job\.ts:2/,
  ],
]
const good = "import { Job } from 'resque-runtime'\nexport class GoodJob extends Job { perform() {} }"
const flow = "import { Workflow } from 'resque-runtime'\nexport class GoodFlow extends Workflow { configure() {} }"

/** What `work` does first: it starts a launcher, or loads the application. */
const load: Record<Exclude<Isolation, 'auto'>, (source: AppSource) => Promise<unknown>> = {
  fork: (source) => startOf(forkLauncher(source, noFallback)),
  spawn: (source) => startOf(new SpawnLauncher({ source, log: silentLogger, spares: 1, bootTimeoutMs: 30_000 })),
  inline: loadAppHere,
}

const startOf = (launcher: Launcher): Promise<unknown> => launcher.start().finally(() => launcher.stop())

/** What `runtime work` prints, and its exit code, where it cannot load the application. */
async function refusal(isolation: keyof typeof load, cwd: string): Promise<{ exitCode: number; stderr: string }> {
  const thrown = await load[isolation]({ root: cwd, paths: ['src/jobs'] }).catch((error: unknown) => error)
  let stderr = ''
  writeTo({ stdout: process.stdout, stderr: { write: (text) => (stderr += text) } })
  return { exitCode: report(thrown), stderr }
}

for (const isolation of ['fork', 'spawn', 'inline'] as const) {
  describe(`a job file stops the worker at its start (${isolation}) when it`, () => {
    for (const [name, file, text, said] of broken) {
      it(name, async () => {
        const cwd = await makeApp({ [`src/jobs/${file}`]: text, 'src/jobs/good-job.ts': good })
        const args = ['work', '--redis', server.url, '--isolation', isolation]
        // One a launcher is the whole command: what it makes of an error is the same for all.
        const isWhole = name === 'rejects at import'
        const { exitCode, stderr } = await (isWhole
          ? runCli(args, { cwd, timeoutMs: 60_000 })
          : refusal(isolation, cwd))
        assert.match(stderr, said)
        assert.equal(exitCode, 2, stderr)
        assert.deepEqual(await server.client().smembers('resque:workers'), [], 'nobody was registered')
      })
    }
  })
}

it('a worker that is stopped while it loads the application leaves with exit code 0', async () => {
  const cwd = await makeApp({
    'src/jobs/a.ts': `console.log('loading')\nawait new Promise((r) => setTimeout(r, 5000))\n${good}`,
  })
  const worker = startCli(['work', '--redis', server.url], { cwd, timeoutMs: 60_000 })
  await worker.waitForLine(/loading/)
  const { exitCode, signal, stderr } = await worker.stop('SIGTERM')
  assert.deepEqual([exitCode, signal], [0, null], stderr)
  assert.doesNotMatch(stderr, /spawned|\[ERR_/)
})

describe('an application is refused, too, for', () => {
  it('two jobs of one name, with both files', async () => {
    const cwd = await makeApp({ 'src/jobs/a.ts': good, 'src/jobs/b.ts': good })
    const { exitCode, stderr } = await refusal('inline', cwd)
    assert.match(stderr, /GoodJob: expected one job of this name, found it in src\/jobs\/a\.ts and in src\/jobs\/b\.ts/)
    assert.equal(exitCode, 2)
  })

  it('an option that is wrong', async () => {
    const cwd = await makeApp({ 'src/jobs/a.ts': good.replace('perform', "static timeout = 'soon'; perform") })
    const { exitCode, stderr } = await refusal('inline', cwd)
    assert.match(stderr, /timeout of GoodJob: expected milliseconds or text like .*, got "soon"/)
    assert.equal(exitCode, 2)
  })

  it('having no jobs folder', async () => {
    const { exitCode, stderr } = await runCli(['work', '--redis', server.url], {
      cwd: await makeApp(),
      timeoutMs: 60_000,
    })
    assert.match(stderr, /src\/jobs: expected a folder of jobs under .*; create it, or set jobs\.paths/)
    assert.equal(exitCode, 2)
  })
})

describe('a setting that is wrong stops the command', () => {
  it('with its line, and the name that was meant', async () => {
    const cwd = await makeApp({ 'config/runtime.yml': 'worker:\n  concurency: 2\n', 'src/jobs/a.ts': good })
    const { exitCode, stderr } = await runHere(['work', '--redis', server.url], { cwd })
    assert.match(stderr, /^runtime: config\/runtime\.yml:2: .*concurency.*did you mean .*concurrency/)
    assert.equal(exitCode, 2)
  })

  for (const [args, said] of [
    [['work', '--isolation', 'thread'], /work: --isolation: expected one of fork, spawn, inline, got thread/],
    [['work', '--concurrency', 'many'], /concurrency: expected a whole number from 1 to 1000, or auto, got "many"/],
    [['work', '--drain=maybe'], /--drain: expected no value, got maybe/],
    [['work', '--queues', '!low'], /queues: expected a list such as high,low or \*, got "!low"/],
    [['work', '--colour'], /work: --colour: expected a known option, got an unknown one; see runtime work --help/],
    [['work', '--pidfile', 'nowhere/x.pid'], /nowhere\/x\.pid: expected a file that can be written/],
    [['work', 'low'], /work: expected no further argument, got low; write for example: runtime work /],
    [['wrok'], /expected one of .*, got wrok; did you mean work\?; see runtime --help/],
    [[], /expected one of demo, .*, got nothing; see runtime --help/],
    [['workflow'], /workflow: expected one of create, .*, got nothing; see runtime workflow --help/],
    [['queues', 'paus', 'low'], /queues: expected one of list, .*, got paus; did you mean pause\?/],
    [['queues', 'clear'], /queues clear: expected <name>, got 0 of 1; write for example: runtime queues clear low/],
    [['failed', 'list', '--count', 'x'], /--count: expected a whole number, 1 or more, got x/],
    [['failed', 'retry'], /expected an index, --class and --queue, or --all; got nothing/],
    [['failed', 'retry', '0', '--all'], /got more than one of them/],
    [['archive', 'search', '--arg'], /--arg: expected a value, got nothing/],
    [['enqueue', 'GoodJob', '--in', '-5s'], /--in: expected .*, got "-5s"/],
    [['enqueue', 'GoodJob', '--wiat'], /--wiat: .*did you mean --wait\?/],
    [['enqueue', 'GoodFlow'], /GoodFlow: expected a job, it is a workflow; write: runtime workflow run GoodFlow/],
    [['workflow', 'run', 'GoodJob'], /GoodJob: expected a workflow, it is a job; write: runtime enqueue GoodJob/],
    [['template', 'run', 'GoodJob'], /GoodJob: expected a template, it is a job; write: runtime enqueue GoodJob/],
    [['schedule', 'next', '0'], /schedule next: expected 1 to 10000 firings, got 0/],
    [['enqueue', 'GoodJob', '--queu', 'low'], /--queu: .*did you mean --queue\?/],
    [['enqueue', 'GoodJob', '--in', '1s', '--at', '2099-01-01'], /expected either --in or --at, got both/],
    [['enqueue', 'GoodJob', '--in', '1s', '--in', '2s'], /--in: expected one value, got it 2 times/],
    [['enqueue', 'GodJob'], /GodJob: expected one of GoodJob; did you mean GoodJob\?/],
    [['enqueue', 'NoSuchJob'], /NoSuchJob: expected one of GoodJob/],
    [['enqueue', 'GoodJob', 'u1'], /argument u1: expected JSON/],
    [['enqueue', 'GoodJob', '--in', 'soon'], /--in: expected text like '10s', '1h30m' or '5 days',/],
    [['enqueue', 'GoodJob', '--at', 'soon'], /--at: expected a moment/],
  ] as [string[], RegExp][]) {
    it(`runtime ${args.join(' ')}`, async () => {
      const cwd = await makeApp({ 'src/jobs/a.ts': good, 'src/jobs/flow.ts': flow })
      const { exitCode, stderr } = await runHere(args, { cwd, env: { REDIS_URL: server.url } })
      assert.match(stderr, said)
      assert.match(
        stderr,
        /^runtime: .* \[ERR_(USAGE|ARGUMENT|UNKNOWN_CLASS|TEMPLATE|CONFIG)\]\n$/,
        'one line, and its code',
      )
      assert.equal(exitCode, 2, stderr)
    })
  }
})
