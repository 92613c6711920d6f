// A real Redis Cluster: a namespace with a hash tag is on one master, and the runtime follows it.
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { after, before, test } from 'node:test'
import { loadConfig } from '../../config/load.ts'
import { close, configure, storeOf } from '../../runtime/jobs/default-client.ts'
import { enqueue, enqueueIn } from 'resque-runtime'
import { openStore } from '../../runtime/store/store.ts'
import { Adds } from '../fixtures/apps/contract/src/jobs/endings.ts'
import { DiamondFlow } from '../fixtures/apps/flows/src/jobs/flows.ts'
import { TestCluster, type ClusterServer } from '../support/cluster.ts'
import { leavesNoProcess, ROOT } from '../support/process.ts'
import { eventually } from '../support/wait.ts'
import { startInlineWorker } from '../workflow/inline-worker.ts'

leavesNoProcess()

const namespace = '{resque}'
const cluster = new TestCluster()
let stopWorker: () => Promise<void> = async () => undefined
const flags = (): { namespace: string; redis: { cluster: string[] } } => ({
  namespace,
  redis: { cluster: cluster.nodes },
})

before(async () => {
  await cluster.start()
  configure({ cwd: tmpdir(), ...flags() })
  const store = storeOf(loadConfig({ cwd: tmpdir(), flags: flags() }))
  const app = { root: `${ROOT}test/fixtures/apps`, paths: ['contract/src/jobs', 'flows/src/jobs'] }
  stopWorker = await startInlineWorker(store, 2, {}, app)
})
after(async () => {
  await stopWorker()
  close()
  await cluster.stop()
})

/** Results of so many jobs, enqueued now. */
async function run(count: number): Promise<unknown[]> {
  const handles = await Promise.all(
    Array.from({ length: count }, (_, n) => enqueue.with({ keepResult: '1m' })(Adds, n, 1)),
  )
  return Promise.all(handles.map((handle) => handle.result({ timeout: '20s' })))
}
const numbers = (count: number): unknown[] => Array.from({ length: count }, (_, n) => n + 1)

test('jobs, delayed jobs and workflows run; all keys lie on one master', async () => {
  assert.deepEqual(await run(10), numbers(10))
  const delayed = await enqueueIn.with({ keepResult: '1m' })('50ms', Adds, 2, 3)
  assert.deepEqual(await delayed.result({ timeout: '10s' }), 5)
  const flow = await DiamondFlow.create(3)
  await flow.start()
  await flow.wait({ timeout: '10s' })
  assert.equal(flow.status, 'finished')
  const owner = await cluster.ownerOf(namespace)
  for (const master of cluster.masters) {
    const keys = await master.client.dbsize()
    assert.equal(keys > 0, master === owner, `${master.port}: ${keys} keys`)
  }
})

/** How often masters have refused a command: since its slot moves, or lies elsewhere. */
async function refusals(masters: readonly ClusterServer[]): Promise<number> {
  const stats = await Promise.all(masters.map(({ client }) => client.info('errorstats')))
  return [...stats.join('').matchAll(/errorstat_(?:TRYAGAIN|ASK|MOVED):count=(\d+)/g)]
    .map(([, count]) => Number(count))
    .reduce((sum, count) => sum + count, 0)
}

test('a slot that is moved: nothing is done by halves meanwhile, and all goes on at its new master', async () => {
  const from = await cluster.ownerOf(namespace)
  const to = cluster.masters[2] === from ? (cluster.masters[0] as typeof from) : (cluster.masters[2] as typeof from)
  let meanwhile: Promise<unknown[]> = Promise.resolve([])
  await cluster.moveSlot(namespace, to, async () => {
    meanwhile = run(10)
    meanwhile.catch(() => undefined)
    // None of it is written to either master, however often it is tried.
    const refused = await refusals([from, to])
    await eventually(async () => (await refusals([from, to])) >= refused + 5, { what: 'five refusals by the masters' })
    const queued = await Promise.all([from, to].map(({ client }) => client.llen(`${namespace}:queue:q`).catch(() => 0)))
    assert.deepEqual(queued, [0, 0])
  })
  assert.deepEqual(await meanwhile, numbers(10))
  assert.equal(await cluster.ownerOf(namespace), to)
  assert.equal(await from.client.dbsize(), 0)
})

test('a master that dies: its replica takes over, and no job is lost', async () => {
  const [owner, last] = [await cluster.ownerOf(namespace), cluster.masters[2]]
  // The replica follows the last one.
  if (owner !== last && last) await cluster.moveSlot(namespace, last, async () => undefined)
  assert.deepEqual(await run(3), numbers(3))
  await last?.client.wait(1, 5000)
  await last?.server.kill('SIGKILL')
  const handle = await (async () => {
    for (;;) {
      try {
        return await enqueue.with({ id: 'after-failover', keepResult: '1m' })(Adds, 4, 5)
      } catch (error) {
        assert.match(String(error), /ERR_REDIS|Redis at .*cluster/)
      }
    }
  })()
  assert.deepEqual(await handle.result({ timeout: '20s' }), 9)
})

test('a node that is named as if it were alone, or a namespace without a tag: the error says what to do', async () => {
  const [{ port } = { port: 0 }] = cluster.masters
  const address = { kind: 'tcp' as const, host: '127.0.0.1', port, path: '' }
  // One of these slots is on another master.
  const stores = ['{a}', '{b}', '{c}', '{d}', '{e}', '{f}', '{g}'].map((name) =>
    openStore({ address, connectTimeoutMs: 3000, commandTimeoutMs: 3000 }, name),
  )
  const replies = await Promise.allSettled(stores.map((store) => store.supervisors.register('s', ['w'], {}, 1000)))
  const refused = replies.flatMap((reply) => (reply.status === 'rejected' ? [String(reply.reason)] : []))
  assert.match(refused[0] ?? '', /MOVED.*name the nodes in redis\.cluster.*in braces/)
  for (const store of stores) store.close()
  assert.throws(
    () => loadConfig({ cwd: tmpdir(), flags: { redis: { cluster: ['h:1'] } } }),
    /namespace: expected one in braces such as \{resque\}, got resque; .*CROSSSLOT/,
  )
  assert.throws(
    () => loadConfig({ cwd: tmpdir(), flags: { namespace, redis: { cluster: ['h:1'], url: 'redis://h' } } }),
    /either url or cluster/,
  )
})
