// How long pages of the dashboard take with long lists, and while Redis is stopped or slow.
//   node --conditions=source --import tsx bench/web.ts [--entries 1000000] [--rounds 5]
// Failed jobs have evidence, as workers write it. Delayed jobs are one to ten a second, so that Resque's lists are many.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startRedis } from '../test/support/redis.ts'
import { testStore } from '../test/support/store.ts'
import { addFailures, ask, testDashboard } from '../test/web/world.ts'
import { routes } from '../web/routes.ts'

const { values } = parseArgs({
  options: { entries: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '5' } },
})
const [entries, rounds] = [Number(values.entries), Number(values.rounds)]
const server = await startRedis()
const redis = server.client()
const store = testStore(server)
const board = testDashboard(store)

async function fill(): Promise<void> {
  await addFailures(store, 30)
  const some = await redis.lrange('resque:failed', 0, -1)
  const second = Math.floor(Date.now() / 1000) + 3600
  for (let at = 0; at < entries; at += 1000) {
    const calls = redis.pipeline()
    calls.rpush('resque:failed', ...Array.from({ length: 1000 }, (_, i) => some[(at + i) % some.length] ?? ''))
    calls.rpush(
      'resque:queue:mail',
      ...Array.from({ length: 1000 }, (_, i) => `{"class":"MailJob","args":[${at + i}]}`),
    )
    for (let of = at; of < at + 1000; of += 5) {
      const due = second + of / 5
      calls.zadd('resque:delayed_queue_schedule', due, String(due))
      const jobs = Array.from({ length: 5 }, (_, i) => `{"class":"ReminderJob","args":[${of + i}],"queue":"mail"}`)
      calls.rpush(`resque:delayed:${due}`, ...jobs)
    }
    await calls.exec()
  }
  await redis.sadd('resque:queues', 'mail')
}

/** Milliseconds of the slowest of some answers, the first one included. */
async function slowest(path: string): Promise<{ ms: number; status: number }> {
  let [most, status] = [0, 0]
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now()
    const answer = await ask(board, path)
    await answer.text()
    most = Math.max(most, performance.now() - began)
    status = answer.status
  }
  return { ms: most, status }
}

const show = (name: string, ms: number, note: string | number = ''): unknown =>
  console.log(`${name.padEnd(58)} ${ms.toFixed(0).padStart(6)} ms  ${note}`)

console.log(`filling ${entries.toLocaleString('en-US')} failed, delayed and waiting jobs`)
await fill()
const middle = Math.floor(entries / 2)
const [some] = await store.failures.list(middle, 1)
const delayedNext = /after=([\d-]+)/.exec(await (await ask(board, '/delayed')).text())?.[1] ?? ''
for (const path of [
  '/',
  '/failed',
  `/failed?below=${middle}`,
  '/failed?class=MailJob',
  '/failed?text=nothing-has-this',
  '/failed?by=group',
  `/failure?at=${middle}&digest=${some?.digest}`,
  '/delayed',
  `/delayed?after=${delayedNext}`,
  '/delayed?class=NoSuchJob',
  '/delayed?class=ReminderJob',
  '/redis',
  '/queues',
  '/queue?name=mail',
  `/queue?name=mail&from=${middle}`,
]) {
  const { ms, status } = await slowest(path)
  show(path.replace(/digest=\w+/, 'digest=…'), ms, status)
}

const pages = routes.flatMap((route) => ('page' in route ? [`/${route.path.replace('./', '')}`] : []))
/** What a page of one thing needs to be asked for. */
const about: Record<string, string> = {
  ...{ '/stack': '?id=x', '/edit': '?at=1&digest=x', '/job': '?id=x', '/run': '?id=x', '/step': '?run=x&step=0' },
  ...{ '/failure': '?at=1&digest=x', '/find': '?id=mail', '/queue': '?name=mail', '/pipeline': '?name=x' },
}

/** The slowest of all pages, asked for one after the other. */
async function allPages(name: string): Promise<void> {
  let worst = { ms: 0, path: '' }
  for (const path of pages.map((each) => each + (about[each] ?? ''))) {
    const began = performance.now()
    await (await ask(board, path)).text()
    const ms = performance.now() - began
    if (ms > worst.ms) worst = { ms, path }
  }
  show(name, worst.ms, `the slowest of ${pages.length} pages: ${worst.path}`)
}
await allPages('every page, Redis well')
await server.kill('SIGSTOP')
await allPages('every page, Redis stopped')
await server.kill('SIGCONT')
await redis.ping()
let isSlow = true
const blocking = (async (): Promise<void> => {
  // Redis runs one command at a time: nine tenths of the time it is busy with this one.
  while (isSlow) {
    await redis.eval(
      "local t = redis.call('TIME') local from = t[1] * 1000000 + t[2] repeat t = redis.call('TIME') until t[1] * 1000000 + t[2] - from > 90000",
      0,
    )
    await sleep(10)
  }
})()
await allPages('every page, Redis busy for 90 of each 100 ms')
isSlow = false
await blocking
await server.stop()
await allPages('every page, Redis away')
store.close()
