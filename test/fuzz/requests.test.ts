// Requests to the dashboard over odd data: each is answered in bounded time, and what it cannot do it says with a code.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Redis } from 'ioredis'
import { errorCodes } from '../../runtime/core/errors.ts'
import { silentLogger } from '../../runtime/core/logger.ts'
import type { Store } from '../../runtime/store/store.ts'
import type { Dashboard } from '../../web/index.ts'
import { routes } from '../../web/routes.ts'
import { damage, restoreSnapshot, takeSnapshot, type Snapshot } from '../support/damage.ts'
import { Dice, fuzz } from '../support/fuzz.ts'
import { useSeed } from '../support/properties.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { populate } from '../web/populated.ts'
import { ask, csrfIn, testDashboard } from '../web/world.ts'

useSeed()
let server: TestRedis
let store: Store
let board: Dashboard
let redis: Redis
let snapshot: Snapshot
/** What the dashboard has logged of its own mistakes. */
let said = ''
const names: Record<string, string> = {}

before(async () => {
  server = await startRedis()
  store = testStore(server)
  redis = server.client()
  const error = (message: string, more?: object): void => {
    said = `${message} ${JSON.stringify(more)}`
  }
  board = testDashboard(store, { log: { ...silentLogger, error } })
  const { runId, jobId } = await populate(server, store)
  Object.assign(names, { RUN: runId, JOB: jobId, CSRF: csrfIn(await (await ask(board, '/')).text()) })
  const [, , ...counters] = await redis.keys('resque:rt:metrics:*')
  await redis.del(counters)
  snapshot = await takeSnapshot(redis)
})
after(async () => {
  store.close()
  await server.stop()
})

const dice = new Dice(4711)
const queries = [
  'id=JOB&q=JOB&name=mail&from=0&at=0',
  'id=RUN&run=RUN&step=1&on=1&steps=failed&from=0',
  'class=MailJob&queue=default&cause=timeout&text=x&since=1h&until=now&by=class&below=9&kind=job&outcome=failed&arg=1',
  'after=1700000000000~j1&do=run&digest=0&due=1700000000000&of=failed&keep=1&args=[1]&status=failed&range=day&to=9',
  'name=nightly&first=extract&instance=1&requests=1&lock=x&locks=0&theme=dark&back=failed?class=A',
]
const seeds = routes.map(({ method, path }, i) =>
  JSON.stringify({
    ...{ method, path: path === './' ? '' : path, query: queries[i % queries.length] },
    ...{ body: `csrf=CSRF&${queries[(i + 1) % queries.length]}&args=[1]`, cookie: 'rt-theme=dark; rt-notice=x' },
    headers: { host: 'localhost', origin: 'http://localhost', 'content-type': 'application/x-www-form-urlencoded' },
  }),
)
for (const query of queries)
  seeds.push(`{"method":"GET","path":"job","query":"${query}","headers":{"host":"localhost"}}`)
seeds.push(
  '{"method":"POST","path":"login","body":"name=a&password=b","headers":{"host":"localhost","hx-request":"true"}}',
)

/** The request that a text says, or one with the text as its query; undefined where no client could send it. */
function requestOf(text: string): Request | undefined {
  const filled = text.replace(/\b(RUN|JOB|CSRF)\b/g, (name) => names[name] ?? name)
  try {
    const { method, path, query, headers, cookie, body } = JSON.parse(filled) as Record<string, string>
    const all = {
      host: 'localhost',
      ...(headers as unknown as object),
      ...(cookie === undefined ? {} : { cookie: String(cookie) }),
    }
    const isPost = method === 'POST'
    return new Request(`http://localhost/${path}?${query}`, { method, headers: all, ...(isPost ? { body } : {}) })
  } catch {
    const { path } = dice.pick(routes)
    return new Request(`http://localhost/${path}?${filled}`, { headers: { host: 'localhost' } })
  }
}

const codes = new RegExp(`\\[(${Object.keys(errorCodes).join('|')})\\]`)
let done = ''
let count = 0

fuzz(
  'a request to the dashboard',
  seeds,
  async (text) => {
    if (count % 40 === 0) {
      await restoreSnapshot(redis, snapshot)
      done = ''
    }
    if (count % 2 === 1) done += `; ${await damage(redis, dice)}`
    count += 1
    const request = requestOf(text)
    if (!request) return
    const answer = await board.fetch(request)
    const page = await answer.text()
    assert.ok(answer.status < 500 || codes.test(page), `${answer.status}: ${page.slice(0, 200)} ${said}\nafter${done}`)
  },
  { few: 100 },
)

test('what such requests have found', async () => {
  const found: [odd: () => Promise<unknown>, path: string, status: number, text: RegExp][] = [
    [() => redis.lpush('resque:rt:audit', '{"a":{"b":1}}', '{"user":["x"]}'), 'audit', 200, /Changes made/],
    [() => redis.hset(`resque:rt:run:${names['RUN']}:kinds`, '1', '{"class":{},"queue":[]}'), '', 200, /Overview/],
    [() => redis.hset('resque:rt:pipeline:nightly', '1', '{"name":"nightly"}'), 'pipelines', 200, /ERR_PIPELINE/],
    [() => redis.hset('resque:rt:pipeline:nightly', '1', '{"name'), 'pipeline?name=nightly', 200, /ERR_PIPELINE/],
    [
      () => redis.hset(`resque:rt:run:${names['RUN']}`, 'allocated', '1e14'),
      `run-graph?id=${names['RUN']}`,
      200,
      /svg/,
    ],
    [() => redis.set('resque:rt:archive', 'x'), 'archive-json', 500, /ERR_REPLY/],
  ]
  for (const [odd, path, status, text] of found) {
    await restoreSnapshot(redis, snapshot)
    await odd()
    const answer = await ask(board, `/${path}`)
    assert.match(await answer.text(), text, path)
    assert.equal(answer.status, status, path)
  }
})
