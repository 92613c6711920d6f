// A key of another type ends no look: it is named, and the rest is shown.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { runChecks } from '../../runtime/inspect/doctor/checks.ts'
import { explain } from '../../runtime/inspect/doctor/explain.ts'
import { findProblems } from '../../runtime/inspect/problems.ts'
import { overview } from '../../runtime/inspect/overview.ts'
import { keyTypes } from '../../runtime/store/connection/key-types.generated.ts'
import { shownStore } from '../../runtime/store/store.ts'
import { runCommand } from '../support/command.ts'
import { useRedis } from '../support/redis.ts'
import { push, useStore, workerApp } from '../worker/support.ts'
import { ask, testDashboard } from '../web/world.ts'
import { inspected } from './support.ts'

const server = useRedis()
const to = useStore(server)

it('the doctor and the overview are whole, whichever of the keys has another type', async () => {
  const redis = server.client()
  const place = inspected(to.store)
  for (const [name, type] of Object.entries(keyTypes)) {
    const key = `resque:${name}`
    await redis.flushall()
    await push(to.store, 'OkJob', [], { queue: 'low' })
    await redis.del(key)
    await (type === 'string' ? redis.sadd(key, 'x') : redis.set(key, 'x'))
    const named = (await runChecks(place)).filter(({ level, what }) => level === 'bad' && what.includes(key))
    assert.deepEqual(
      named.map(({ what }) => what),
      [
        `the key ${key} holds a ${type === 'string' ? 'set' : 'string'}, expected a ${type}: what belongs there is not shown`,
      ],
    )
    await overview(place)
  }
})

it('what can be read is shown, by the doctor, the verdict and every page', async () => {
  await push(to.store, 'OkJob', [], { queue: 'low' })
  await server.client().set('resque:rt:supervisors', 'x')
  const place = inspected(to.store)
  const findings = (await runChecks(place)).map(({ what }) => what)
  assert.ok(findings.some((what) => what.startsWith('queue low: 1 wait')))
  assert.match((await explain('low', place))?.[0]?.what ?? '', /rt:supervisors holds a string/)
  const [first] = findProblems(await overview(place))
  assert.match(`${first?.severity} ${first?.text}`, /^bad the key resque:rt:supervisors holds a string/)
  const board = testDashboard(to.store)
  for (const path of ['/', '/workers', '/running', '/queues']) {
    const page = await ask(board, path)
    assert.equal(page.status, 200)
    assert.match(await page.text(), /the key resque:rt:supervisors holds a string, expected a zset/, path)
  }
})

it('ps, workers, queues, stats and top show the rest and exit with 1', async () => {
  await push(to.store, 'OkJob', [], { queue: 'low' })
  const redis = server.client()
  for (const name of ['rt:supervisors', 'rt:paused', 'failed', 'workers']) await redis.set(`resque:${name}`, 'x')
  for (const [command, key] of [
    ['ps', 'rt:supervisors'],
    ['workers', 'workers'],
    ['queues', 'rt:paused'],
    ['stats', 'failed'],
  ] as const) {
    const { exitCode, stdout, stderr } = await runCommand([command], { cwd: workerApp, env: { REDIS_URL: server.url } })
    assert.match(
      stderr,
      new RegExp(`^runtime: the key resque:${key} holds a string, .*; rename or remove`, 'm'),
      command,
    )
    assert.equal(exitCode, 1)
    assert.match(stdout, command === 'queues' ? /low\t1\topen/ : command === 'stats' ? /pending\t1/ : /./)
  }
})

it('what writes fails as it did, and names the key', async () => {
  await server.client().set('resque:failed', 'x')
  const unread = new Set<string>()
  const shown = shownStore(to.store, unread)
  assert.equal(await shown.failures.count(), 0)
  assert.deepEqual(
    [...unread],
    ['the key resque:failed holds a string, expected a list: what belongs there is not shown'],
  )
  await assert.rejects(to.store.failures.count(), { code: 'ERR_REPLY', message: /WRONGTYPE.*\(resque:failed\)/ })
  await server.client().set('resque:rt:paused', 'x')
  await assert.rejects(shown.queues.setPaused('low', true), { code: 'ERR_REPLY', message: /WRONGTYPE/ })
})
