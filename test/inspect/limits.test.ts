// Who holds a limit or a unique lock, who waits, and which locks may be given up.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { limitRows, lockPage, releaseLock } from '../../runtime/inspect/limits.ts'
import { runCommand } from '../support/command.ts'
import { useRedis } from '../support/redis.ts'
import { push, useStore } from '../worker/support.ts'
import { reserveOne } from '../support/reserve.ts'

const server = useRedis()
const to = useStore(server)
const worker = 'host:7:q'
const slot = { kind: 'concurrency' as const, key: 'mail', limit: 1 }
const rate = { kind: 'rate' as const, key: 'api', limit: 1, perMs: 60_000 }

it('limits have their jobs and their line, the longest line first', async () => {
  const { store } = to
  await store.supervisors.register('s', [worker], {}, 60_000)
  const ids: string[] = []
  const replies: string[] = []
  for (const wanted of [[slot], [slot], [slot], [rate], [rate]]) {
    ids.push(await push(store, 'A', [ids.length]))
    const reply = await reserveOne(store, 's', worker, ['q'], 'none', Date.now())
    assert.ok(reply.kind === 'job')
    const job = { id: reply.job.id, delivery: reply.job.delivery, worker }
    replies.push(await store.limits.acquire('s', job, wanted, Date.now()))
  }
  assert.deepEqual(replies, ['granted', 'held', 'held', 'granted', 'held'])
  const { limits, total } = await limitRows(to)
  assert.deepEqual(total, { count: 2, isExact: true })
  assert.deepEqual(
    limits.map(({ key, limit, perMs, held, waiting }) => [key, limit, perMs, held, waiting]),
    [
      ['mail', 1, undefined, 1, 2],
      ['api', 1, 60_000, 1, 1],
    ],
  )
  await server.client().zadd('resque:rt:limit:spare', 1, 'gone', 2, 'gone too')
  await server.client().zadd('resque:rt:limit:idle', 1, 'gone')
  const keys = (await limitRows(to)).limits.map(({ key, limit }) => [key, limit])
  assert.deepEqual(
    keys.slice(2),
    [
      ['spare', undefined],
      ['idle', undefined],
    ],
    'of equal lines the fuller limit first',
  )
  const [mail, api] = limits
  assert.deepEqual([mail?.holders[0]?.id, mail?.holders[0]?.state, mail?.line.map(({ id }) => id)], [ids[0], 'running', [ids[1], ids[2]]]) // prettier-ignore
  assert.deepEqual([api?.holders[0]?.id, api?.line[0]?.state], [ids[3], 'held'])
})

it('only a unique lock whose job is gone is given up', async () => {
  const { store } = to
  const waits = await push(store, 'A', [1], { uniqueKey: 'waits' })
  const gone = await push(store, 'A', [2], { uniqueKey: 'gone', queue: 'r' })
  // A Ruby worker, which knows no locks, takes it.
  await server.client().lpop('resque:queue:r')
  const { locks, next } = await lockPage(to)
  assert.deepEqual(locks.map(({ lock, job, isStale }) => [lock, job, isStale]).sort(), [
    ['gone', gone, true],
    ['waits', waits, false],
  ])
  assert.equal(next, undefined)
  await assert.rejects(releaseLock(to, 'waits'), { code: 'ERR_STATE' })
  const command = (...args: string[]) => runCommand(['limits', ...args], { env: { REDIS_URL: server.url } })
  assert.match((await command('locks', '--stale')).stdout, /^gone\t.*\tA\t.*\(gone\)$/m)
  const refused = await command('release', 'waits')
  assert.deepEqual([refused.exitCode, /ERR_STATE/.test(refused.stderr)], [1, true])
  assert.equal((await command('release', 'gone')).stdout, `released gone, which job ${gone} held\n`)
  await assert.rejects(releaseLock(to, 'gone'), { code: 'ERR_NOT_FOUND' })
  assert.equal(await server.client().get('resque:rt:unique:waits'), waits)
})

it('a key of another type hides no other limit, and a lock of another type is named', async () => {
  const redis = server.client()
  await redis.zadd('resque:rt:limit:good', Date.now(), 'job')
  await redis.set('resque:rt:limit:bad', 'x')
  await redis.sadd('resque:rt:held-keys', 'bad', 'good')
  await redis.hset('resque:rt:unique:bad', 'a', 'b')
  assert.deepEqual((await limitRows(to)).limits.map(({ key }) => key), ['good']) // prettier-ignore
  assert.deepEqual((await to.store.limits.lines()).map(({ key }) => key), ['good']) // prettier-ignore
  await assert.rejects(releaseLock(to, 'bad'), { code: 'ERR_REPLY', message: /resque:rt:unique:bad holds a hash/ })
})
