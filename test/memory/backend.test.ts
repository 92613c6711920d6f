import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { chain, memory, RedisMemory, task, workflow, WorkflowRun, type MemoryBackend } from 'resque-runtime'
import { defaultTarget } from '../../runtime/workflow/definitions/workflow.ts'
import { EnrichDoc, FetchDoc, Gives, Rememberer } from '../fixtures/apps/composed/src/jobs/steps.ts'
import { StepMemory } from '../../runtime/workflow/memory/step-memory.ts'
import { useBench } from '../composition/support.ts'
import { useRedis } from '../support/redis.ts'
import { StepDriver } from '../workflow/support.ts'

const redis = useRedis()
const bench = useBench(redis)

/** The least that a backend must do. */
class MapMemory implements MemoryBackend {
  readonly runs = new Map<string, Record<string, unknown>>()
  async write(runId: string, values: Record<string, unknown>): Promise<void> {
    this.runs.set(runId, { ...this.runs.get(runId), ...values })
  }
  async read(runId: string, keys?: readonly string[]): Promise<Record<string, unknown>> {
    const all = this.runs.get(runId) ?? {}
    return Object.fromEntries(Object.entries(all).filter(([key]) => !keys || keys.includes(key)))
  }
  async clear(runId: string): Promise<void> {
    this.runs.delete(runId)
  }
}

const backends: Record<string, () => MemoryBackend> = {
  RedisMemory: () => new RedisMemory({ ttl: 300_000, prefix: 'contract' }),
  'an application’s own': () => new MapMemory(),
}

for (const [name, make] of Object.entries(backends)) {
  describe(`the contract of a memory backend: ${name}`, () => {
    test('write merges, read gives what it is asked for, clear forgets one run alone', async () => {
      const backend = make()
      await backend.write('r1', { a: 1, list: [], nested: { b: null } })
      await backend.write('r1', { a: 2, c: 'ü' })
      await backend.write('r2', { a: 9 })
      assert.deepEqual(await backend.read('r1'), { a: 2, list: [], nested: { b: null }, c: 'ü' })
      assert.deepEqual(await backend.read('r1', ['c', 'none']), { c: 'ü' })
      assert.deepEqual(await backend.read('r1', []), {})
      assert.deepEqual(await backend.read('nobody'), {})
      await backend.clear('r1')
      await backend.clear('r1')
      assert.deepEqual([await backend.read('r1'), await backend.read('r2')], [{}, { a: 9 }])
    })
  })
}

test('memory.write refuses the id of a run that is not there', async () => {
  await assert.rejects(memory.write('r1', { a: 1 }), { code: 'ERR_NOT_FOUND' })
  assert.deepEqual(await redis.client().keys('*'), [])
})

test('memory.write adds to what the steps of a run left; an option that memory does not have is refused', async () => {
  const flow = await workflow(task(Gives, { value: 1 }), { memory: true }).create()
  await memory.write(flow.id, { b: 5 })
  assert.deepEqual(await memory.read(flow.id), { b: 5 })
  const wrong = new RedisMemory({ ttlMs: 5 } as object)
  await assert.rejects(wrong.read('r1'), { code: 'ERR_ARGUMENT', message: /memory.ttlMs: expected one of prefix, ttl/ })
})

test('RedisMemory: prefix and time to live, renewed by each use', async () => {
  const backend = new RedisMemory({ ttl: '5m', prefix: 'mine' })
  await backend.write('r1', { a: 1 })
  const client = redis.client()
  assert.deepEqual(await client.keys('*'), ['resque:rt:mem:mine:r1'])
  await client.pexpire('resque:rt:mem:mine:r1', 1000)
  await backend.read('r1', ['a'])
  assert.ok((await client.pttl('resque:rt:mem:mine:r1')) > 290_000)
  await assert.rejects(backend.write('', { a: 1 }), /expected the id of a run/)
  await assert.rejects(backend.write('r1', 'x' as never), /expected an object/)
  await assert.rejects(backend.write('r1', { a: () => 1 }), /memory\.a: expected a JSON value, got a function/)
  await backend.write('r1', { long: 2n ** 64n })
  assert.deepEqual(await backend.read('r1', ['long']), { long: 2n ** 64n })
  await assert.rejects(new RedisMemory({ prefix: 'a b' }).read('r1'), /memory\.prefix/)
})

test('a backend of the application’s own carries a whole run', async () => {
  const own = new MapMemory()
  memory.use(own)
  try {
    await bench.work()
    const parts = chain(task(FetchDoc), task(EnrichDoc), task(Rememberer, { by: 3 }))
    const id = await workflow(parts, { input: { doc_id: '1' } }).run()
    const flow = await (await WorkflowRun.open(defaultTarget(), id)).wait({ timeout: '20s' })
    assert.deepEqual(await flow.failures(), [])
    assert.deepEqual(own.runs.get(id), {
      doc_id: '1',
      text: 'TEXT OF 1',
      model: 'small',
      words: 6,
      counted: 3,
      seen: 0,
    })
    assert.deepEqual(await memory.read(id, ['seen']), { seen: 0 })
    assert.deepEqual(await redis.client().keys('*rt:mem*'), [])
    await flow.destroy()
    assert.equal(own.runs.has(id), false)
  } finally {
    memory.use(undefined)
  }
})

test('a run that is refused leaves nothing in a backend of the application’s own', async () => {
  const own = new MapMemory()
  memory.use(own)
  try {
    const once = workflow(task(Gives), { input: { a: 1 }, unique: true, name: 'Once' })
    const holder = await (await once.create()).start()
    await assert.rejects(once.create(), /expected no other run of this unique workflow/)
    assert.deepEqual([...own.runs.keys()], [holder.id], 'a run that was refused leaves nothing')
  } finally {
    memory.use(undefined)
  }
})

test('a job that is not its step’s any more writes nothing, neither with its end nor before it', async () => {
  const driver = await new StepDriver(redis, 'one', 'resque').register()
  try {
    const flow = await workflow(task(Gives, { value: 1 }).with({ queue: 'work' }), {
      memory: { onConflict: 'error' },
    }).create()
    await flow.start()
    const first = await driver.take()
    assert.ok(first)
    const place = { prefix: 'memory', ttlMs: 1000 }
    const { memories } = driver.store.runs
    assert.equal(await memories.write(flow.id, place, { values: { a: '1' } }, { job: first.job.id, node: '0' }), true)
    assert.equal(await memories.write(flow.id, place, { values: { a: '2' } }, { job: 'another', node: '0' }), false)
    const late = { ...first, job: { ...first.job, delivery: '99' } }
    const extra = JSON.stringify({ memory: { values: { a: '3' }, by: { a: '0' }, expects: { a: '' } } })
    assert.equal(await driver.end(late, 'done', { extra }), false)
    assert.deepEqual(await memory.read(flow.id), { a: 1 })
    const clash = JSON.stringify({ memory: { values: { a: '3' }, by: { a: '0' }, expects: { a: '7' } } })
    await assert.rejects(driver.end(first, 'done', { extra: clash }), { name: 'MemoryConflict' })
    assert.equal((await flow.reload()).jobs[0]?.state, 'running')
    assert.equal(await driver.end(first, 'done', { extra }), true)
    assert.deepEqual(await memory.read(flow.id), { a: 3 })
    assert.equal((await flow.reload()).status, 'finished')
  } finally {
    driver.close()
  }
})

test('under the namespace rule a step is named by label, class or number, and reads the nearest of those before it', async () => {
  const driver = await new StepDriver(redis, 'one', 'resque').register()
  const { runs, connection } = driver.store
  try {
    const settings = { prefix: 'm', ttlMs: 60_000, onConflict: 'namespace' as const }
    const kinds = ['Row', 'Last'].map((name) => ({ class: name, queue: 'work' }))
    const after = (...parents: number[]) => parents.map((from) => ({ from, when: 'finished' as const }))
    const nodes = [
      { kind: 0, parents: [], label: 'left' },
      { kind: 0, parents: [] },
      { kind: 1, parents: after(0, 1) },
    ]
    const run = { id: 'r', className: 'Flow', kinds, nodes, ttlMs: 60_000 }
    await runs.create({ ...run, memory: { settings, values: { base: '0' } } }, Date.now())
    const steps = new StepMemory(runs.memories, runs.read)
    const step = (node: number) => ({ workflowId: 'r', nodeId: String(node), memory: settings })
    const leave = async (node: number): Promise<unknown> =>
      runs.memories.write('r', settings, (await steps.merge(step(node), `{"k":${node}}`)) ?? assert.fail())
    const read = (node: number, keys?: string[]) => steps.answer(step(node), 'job', { verb: 'read', keys })

    for (const node of [0, 1]) await leave(node)
    const all = { base: '0', 'left.k': '0', 'Row#1.k': '1' }
    assert.deepEqual(await read(2), all, 'two are equally near: neither is k')
    await leave(2)
    assert.deepEqual(await read(2), { ...all, 'Last.k': '2', k: '2' })
    assert.deepEqual(await read(1, ['k', 'none']), { k: '1' })

    await redis.client().hdel(connection.keys.runMemory('m', 'r'), 'left.k')
    assert.deepEqual(await read(0, ['k']), { k: 'null' }, 'removed from Redis')
    await redis.client().del(connection.keys.runKinds('r'))
    await leave(2)
    assert.equal((await read(0, ['?.k']))['?.k'], '2', 'its class was removed from Redis')

    const write = { verb: 'write', values: { k: '5' } } as const
    await assert.rejects(steps.answer(step(0), 'job', write), {
      message: 'this step of run r now belongs to another job',
    })
    await assert.rejects(steps.answer({ ...step(0), memory: undefined }, 'job', write), {
      message: 'run r has no memory',
    })
    const expects = { base: '7' }
    await assert.rejects(runs.memories.write('r', settings, { values: { base: '1' }, expects }), {
      name: 'MemoryConflict',
      message: /key "base" was written by another step/,
    })
  } finally {
    driver.close()
  }
})
