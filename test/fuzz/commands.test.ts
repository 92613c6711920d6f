// Whole command lines over odd data, in this process: each ends with an exit code that is documented, and none with a stack trace.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Redis } from 'ioredis'
import { main } from '../../cli/main.ts'
import { damage, restoreSnapshot, takeSnapshot, type Snapshot } from '../support/damage.ts'
import { Dice, fuzz } from '../support/fuzz.ts'
import { inputCount, useSeed } from '../support/properties.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { populate } from '../web/populated.ts'

useSeed()
let server: TestRedis
let redis: Redis
let snapshot: Snapshot
const names: Record<string, string> = {}

before(async () => {
  server = await startRedis()
  redis = server.client()
  const store = testStore(server)
  const { runId, jobId } = await populate(server, store)
  Object.assign(names, { RUN: runId, JOB: jobId })
  store.close()
  const [, , ...counters] = await redis.keys('resque:rt:metrics:*')
  await redis.del(counters)
  snapshot = await takeSnapshot(redis)
})
after(() => server.stop())

/** Words that run for ever, wait for a job, start processes, write files, or send keys to a terminal. */
const never =
  /^(cancel|demo|dev|init|scheduler|work|web|top|watch|wait|run|create|create-and-start|--?w.*|--?t.*|--?p.*|--?c.*|--log.*|--r.*)$/
const all = [
  ...['stats', 'stats --json', 'workers --wide', 'ps --json', 'health', 'doctor', 'doctor JOB', 'doctor RUN'],
  ...['queues list', 'queues pause mail', 'queues clear low --yes', 'queues resume low', 'queues show mail --json'],
  ...[
    'enqueue MailJob 1 {"a":1} --queue q',
    'enqueue MailJob --in 5m',
    'enqueue MailJob [1] --at 2027-01-01T00:00:00Z',
  ],
  ...['job show JOB', 'job show JOB --json', 'failed list --class A --since 1h', 'failed show 0'],
  ...['failed retry 0', 'failed remove --all --class MailJob --yes', 'failed clear --yes', 'delayed list --json'],
  ...[
    'delayed remove ReminderJob 1',
    'delayed run ReminderJob 1',
    'schedule list',
    'schedule next nightly_report --count 3',
  ],
  ...[
    'schedule pause nightly_report',
    'limits list',
    'limits locks --stale',
    'limits release x',
    'workflow list --json',
  ],
  ...[
    'workflow show RUN --jobs failed',
    'workflow retry RUN 1',
    'workflow stop RUN',
    'pipeline list',
    'pipeline show nightly',
  ],
  ...[
    'pipeline runs --requests',
    'template list',
    'archive search --class MailJob --outcome done --limit 3',
    'archive stats',
  ],
  ...['docs retries', '--help', 'queues --help', '--version', 'failed list -- x', 'job show -5 --json=1'],
]

// A command takes long: all of them are tried in `npm run fuzz`.
const seeds = inputCount > 0 ? all : all.filter((_, i) => i % 12 === 0)

const dice = new Dice(4712)
let done = ''
let count = 0

fuzz(
  'a command line',
  seeds,
  async (text) => {
    const words = text.replace(/\b(RUN|JOB)\b/g, (name) => names[name] ?? name).split(' ')
    if (words.some((word) => never.test(word))) return
    if (count % 20 === 0) {
      await restoreSnapshot(redis, snapshot)
      done = ''
    }
    if (count % 2 === 1) done += `; ${await damage(redis, dice)}`
    count += 1
    let printed = ''
    const writer = { write: (part: string) => (printed += part) }
    const exitCode = await main(['--redis', server.url, '--log-level', 'silent', ...words], {
      stdout: writer,
      stderr: writer,
    })
    assert.ok([0, 1, 2].includes(exitCode), `exit code ${exitCode}`)
    assert.doesNotMatch(printed, /\n +at /, `after${done}`)
  },
  { few: 5, most: 500 },
)
