// Parsers of files, settings, command lines and messages of other processes: each gets inputs made from valid ones, and answers
// every one of them, or refuses it in its own words. `npm run fuzz` gives each 10,000.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { readPidfile } from '../../cli/pidfile.ts'
import { jsonArgument, objectArgument, parameters } from '../../cli/arguments.ts'
import { joinNegatives } from '../../cli/usage.ts'
import { readEnvironment } from '../../config/environment.ts'
import { loadConfig } from '../../config/load.ts'
import { maskUrl, parseRedisUrl } from '../../config/redis-url.ts'
import { parseBytes, parseDurationMs } from '../../config/units.ts'
import { duration } from '../../runtime/core/duration.ts'
import { bytes } from '../../runtime/core/size.ts'
import { Cron } from '../../runtime/cron/cron.ts'
import { parseEvery } from '../../runtime/cron/timing.ts'
import { FrameReader, encodeFrame } from '../../runtime/worker/launchers/fork/zygote/wire/frames.ts'
import { ReportReader } from '../../runtime/worker/launchers/fork/zygote/wire/report-format.ts'
import { readPipelines } from '../../runtime/workflow/definitions/pipeline.ts'
import { readDefaults } from '../../runtime/workflow/templates/template.ts'
import { formatProblem } from '../../scheduler/entries/entry.ts'
import { readEntry, readSchedule } from '../../scheduler/entries/schedule-file.ts'
import { Tokens } from '../../web/security/tokens.ts'
import { errorSection, evidence } from '../../web/view/job-end.ts'
import { fuzz, refusedWith } from '../support/fuzz.ts'
import { useSeed } from '../support/properties.ts'

useSeed()
const folder = mkdtempSync(join(tmpdir(), 'fuzz-'))
mkdirSync(join(folder, 'config'))
after(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return name
}

const schedule = `base: &a
  queue: low
report:
  cron: '0 8 * * mon-fri Europe/Berlin'
  class: ReminderJob
  args: [daily, { n: 12345678901234567890 }]
  description: A report
cleanup:
  <<: *a
  every: ['30m', { first_in: '1m', times: 3 }]
  class: CleanupJob
  overlap: skip
  catchup: last
  catchup_window: 6h
  jitter: 30s
flow:
  workflow: Import
  every: 1h
  env: production
`
const context = { file: 'schedule.yml', source: 'file', zone: 'UTC' } as const
fuzz('schedule.yml', [schedule], (text) => readSchedule(text, context).problems.map(formatProblem))
fuzz(
  'an entry that was set from code',
  [
    '{"cron":"0 8 * * *","class":"A","args":[1],"queue":"low"}',
    '{"every":["30m",{"first_in":"1m"}],"class":"A","overlap":"queue","unique":true,"persist":true}',
  ],
  (text) => readEntry('e', text, { ...context, source: 'dynamic' }).problems.map(formatProblem),
)
fuzz(
  'a cron line',
  ['0 8 * * mon-fri Europe/Berlin', '*/5 0-24/6 L * mon%2+1', '0 0 1-7& * fri#1', '@daily +05:30'],
  (text) => {
    const cron = Cron.parse(text)
    cron.describe()
    cron.next(1.8e12)
  },
)
fuzz('a length of time', ['1h30m', '5 days', 'PT5M', '1 week, 2 days', '250', '1.5 hours'], (text) => {
  parseDurationMs(text)
  refusedWith('ERR_ARGUMENT', () => duration(text))
  parseEvery(text, 'every')
})
fuzz('a size', ['512mb', '1.5 GB', '100'], (text) => {
  parseBytes(text)
  bytes(text)
})

fuzz(
  'config/runtime.yml',
  [
    `namespace: resque
redis:
  sentinel: { name: m, nodes: [10.0.0.1:26379] }
`,
    `worker:
  queues: ['*', '!low']
  weights: { high: 3 }
  concurrency: auto
  leaseMs: 30s
limits:
  maxPayloadBytes: 1mb
`,
  ],
  (text) => {
    file('config/runtime.yml', text)
    return loadConfig({ cwd: folder, env: {}, findEmbedded: false, file: 'config/runtime.yml' })
  },
  { few: 100, also: ['worker: *nowhere'] },
)
fuzz(
  'the environment',
  [
    'RUNTIME_WORKER_LEASE_MS=60s\nQUEUES=a,b\nCOUNT=3\nREDIS_URL=redis://h/1',
    'RUNTIME_REDIS_PASSWORD=x\nINTERVAL=5\nVERBOSE=1',
  ],
  (text) => {
    const env = Object.fromEntries(
      text.split('\n').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]),
    )
    readEnvironment(env)
    return loadConfig({ cwd: tmpdir(), env, findEmbedded: false })
  },
  { few: 100 },
)
fuzz(
  'the address of a Redis',
  ['redis://user:p%40ss@host:6380/2', 'unix:///tmp/r.sock?db=1', 'rediss://[::1]', '/tmp/r.sock'],
  (text) => {
    parseRedisUrl(text)
    maskUrl(text)
  },
)
fuzz(
  'pipelines.yml',
  [
    `example:
  params: &a { day: monday }
  jobs:
    - { name: extract, class_name: ExtractJob, timeout_minutes: 30, retry_gap_minutes: 5, retry_limit: 3, params: { n: 12345678901234567890 } }
    - { name: load, class_name: LoadJob, params: *a }
`,
    '[{"name":"p","definition":"{\\"jobs\\":[{\\"name\\":\\"a\\",\\"class_name\\":\\"A\\"}]}"}]',
  ],
  (text) => readPipelines(text),
  { also: ['example: *nowhere'] },
)
fuzz(
  'templates.yml',
  ['enrich: &a\n  doc_id: "5"\n  list: [1, 2]\nother: *a\nthird:\n'],
  (text) => readDefaults(file('templates.yml', text), folder),
  { also: ['enrich: *nowhere'] },
)
fuzz('a pid file', ['4711\n'], (text) => readPidfile(join(folder, file('pid', text))), { few: 50 })

fuzz(
  'arguments on the command line',
  ['{"a":1}', '"text"', '[1,2]', 'day=monday', 'n={"a":12345678901234567890}'],
  (text) => {
    joinNegatives(text.split(' '))
    for (const read of [() => jsonArgument(text), () => objectArgument(text, 'x'), () => parameters([text])])
      refusedWith('ERR_USAGE', read)
  },
)

const tokens = new Tokens('s'.repeat(40))
fuzz(
  "the dashboard's cookie",
  [tokens.session('me', 9e15, 'x'), `${Buffer.from('{"name":"me","expiresMs":9e15}').toString('base64url')}.abc`],
  (text) => {
    const name = tokens.readSession(text, 0, () => 'x')
    assert.ok(name === undefined || name === 'me')
  },
)
fuzz(
  'evidence of an end',
  [
    '{"name":"E","message":"m","backtrace":["a"],"stack":["b"]}',
    '{"wallMs":5,"pid":1,"output":["x"],"where":{"stack":["a"],"waiting":["b"]},"signal":"SIGKILL"}',
  ],
  async (text) => {
    await errorSection(text)
    await evidence(text)
  },
  { also: ['{"constructor":1}', '{"output":[{"toString":null}]}'] },
)

const frame = encodeFrame({ type: 'progress', at: 1, of: 2, note: 'x' }).toString('latin1')
fuzz(
  "a process's messages",
  [frame, frame + frame],
  (text) => {
    const reader = new FrameReader()
    const bytes = Buffer.from(text, 'latin1')
    for (let at = 0; at < bytes.length; at += 7) reader.push(bytes.subarray(at, at + 7))
  },
  { names: ['RangeError', 'SyntaxError'] },
)
fuzz("a zygote's reports", ['\u0000\u0001\u0002\u0003'.repeat(40)], (text) =>
  new ReportReader().push(Buffer.from(text, 'latin1')),
)
