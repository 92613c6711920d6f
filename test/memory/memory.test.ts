import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  chain,
  group,
  memory,
  task,
  withDelay,
  workflow,
  WorkflowRun,
  type CompositionOptions,
  type Part,
} from 'resque-runtime'
import { defaultClient } from '../../runtime/jobs/default-client.ts'
import { defaultTarget } from '../../runtime/workflow/definitions/workflow.ts'
import {
  BadOutput,
  EnrichDoc,
  FetchDoc,
  Gives,
  IndexDoc,
  Rememberer,
  Task1,
  Tells,
  TerseSchema,
  ThrowingSchema,
} from '../fixtures/apps/composed/src/jobs/steps.ts'
import { useBench } from '../composition/support.ts'
import { useRedis } from '../support/redis.ts'

const redis = useRedis()
const bench = useBench(redis)

const run = async (part: Part, options: CompositionOptions = {}): Promise<WorkflowRun> => {
  const id = await workflow(part, { memory: true, ...options }).run()
  return (await WorkflowRun.open(defaultTarget(), id)).wait({ timeout: '20s' })
}
const errors = async (flow: WorkflowRun): Promise<string[]> =>
  (await flow.failures()).map(({ class: name, error }) => `${name}: ${error.name}: ${error.message}`)
const told = async (flow: WorkflowRun, job: number): Promise<unknown> =>
  ((await flow.output(job)) as { told: unknown }).told

test('what steps return is merged, and typed inputs are filled: params, then memory, then defaults', async () => {
  await bench.work()
  const flow = await run(chain(task(FetchDoc, { doc_id: '7' }), task(EnrichDoc), task(IndexDoc, { words: 99 })))
  assert.equal(flow.status, 'finished', (await errors(flow)).join())
  assert.deepEqual(await memory.read(flow.id), {
    text: 'TEXT OF 7',
    model: 'small',
    words: 6,
    indexed: { text: 'TEXT OF 7', words: 99, model: 'small' },
  })
  assert.deepEqual(await memory.read(flow.id, ['words', 'none']), { words: 6 })
})

test('the memory a run begins with is there before its first step, and is over a default', async () => {
  await bench.work()
  const flow = await run(chain(task(FetchDoc), task(EnrichDoc)), {
    input: { doc_id: '1', llm_model: 'large', factor: 10 },
  })
  assert.equal(flow.status, 'finished')
  assert.deepEqual(await memory.read(flow.id, ['model', 'words']), { model: 'large', words: 30 })
})

test('a library that does not tell its keys gets those that it asks for', async () => {
  await bench.work()
  const flow = await run(task(TerseSchema), { input: { a: 'x', other: 1 } })
  assert.deepEqual(await errors(flow), [])
  assert.deepEqual(await flow.output(0), { got: 'x' })
})

test('this.memory: get, set, and a key that is not there', async () => {
  await bench.work()
  const flow = await run(
    chain(task(Rememberer), task(Rememberer, { by: 5 }), task(Tells, { names: ['counted', 'nothing'] })),
  )
  assert.deepEqual(await errors(flow), [])
  assert.deepEqual(await told(flow, 2), { counted: 6, nothing: null })
})

test('without memory this.memory says how to get one', async () => {
  await bench.work()
  const flow = await run(task(Rememberer), { memory: false })
  assert.match((await errors(flow))[0] ?? '', /expected `memory` in config\/runtime\.yml/)
})

test('memory from the configuration: on for every run, with its prefix and time to live', async () => {
  bench.settings({ memory: { prefix: 'sl:mem', ttlMs: 300_000 } })
  await bench.work()
  const flow = await run(task(Gives, { value: { a: 1 } }), { memory: undefined })
  const key = `resque:rt:mem:sl:mem:${flow.id}`
  assert.deepEqual(await redis.client().hgetall(key), { a: '1' })
  const left = await redis.client().pttl(key)
  assert.ok(left > 200_000 && left <= 300_000, String(left))
})

test('memory does not expire while the run is under way, has its time to live after it, and goes with the run', async () => {
  const client = redis.client()
  const flow = await workflow(chain(task(Gives, { value: { a: 1 } }), withDelay(task(Task1), 300)), {
    memory: { ttl: '50ms' },
    input: { b: 2 },
  }).create()
  const key = `resque:rt:mem:memory:${flow.id}`
  assert.equal(await client.pttl(key), -1)
  await bench.work()
  await flow.start()
  await flow.wait({ timeout: '20s' })
  // Longer than the time to live lies between the two steps: what the first left was there to the end.
  assert.equal(flow.status, 'finished')
  assert.ok((await client.pttl(key)) <= 50)
  const kept = await run(task(Gives, { value: { a: 1 } }))
  assert.ok((await client.pttl(`resque:rt:mem:memory:${kept.id}`)) > 86_000_000)
  await kept.destroy()
  assert.equal(await client.exists(`resque:rt:mem:memory:${kept.id}`), 0)
})

test('extendTtl keeps the memory longer after the run, never shorter', async () => {
  await bench.work()
  const longer = await run(task(Rememberer, { ttl: '2 days' }))
  assert.ok((await redis.client().pttl(`resque:rt:mem:memory:${longer.id}`)) > 170_000_000)
  const same = await run(task(Rememberer, { ttl: '5m' }))
  assert.ok((await redis.client().pttl(`resque:rt:mem:memory:${same.id}`)) > 86_000_000)
})

test('reading after the end counts the time to live anew', async () => {
  await bench.work()
  const flow = await run(task(Gives, { value: { a: 1 } }))
  const key = `resque:rt:mem:memory:${flow.id}`
  await redis.client().pexpire(key, 5000)
  await memory.read(flow.id)
  assert.ok((await redis.client().pttl(key)) > 86_000_000)
})

test('parallel steps, last: the later one wins', async () => {
  await bench.work(2)
  const flow = await run(
    group(task(Gives, { value: { a: 'early' } }), chain(task(Task1), task(Gives, { value: { a: 'late' }, ms: 100 }))),
  )
  assert.deepEqual(await memory.read(flow.id), { a: 'late' })
})

test('parallel steps, error: the second fails by name, whatever the timing; one that comes after may write over', async () => {
  await bench.work(2)
  for (const ms of [0, 60]) {
    const flow = await run(
      chain(
        task(Gives, { value: { a: 0 } }),
        group(task(Gives, { value: { a: 1 }, ms }), task(Gives, { value: { a: 2 }, ms: 30 })),
      ),
      {
        memory: { onConflict: 'error' },
      },
    )
    assert.equal(flow.status, 'failed')
    const [error] = await errors(flow)
    assert.match(
      error ?? '',
      /^Gives: MemoryConflict: memory: key "a" was written by (Gives#[12]|another step), which does not come before this one/,
    )
    assert.equal((await flow.failures()).length, 1)
  }
  const after = await run(
    chain(
      task(Gives, { value: { a: 0 } }),
      task(Task1),
      task(Gives, { value: { a: 1 } }),
      task(Tells, { names: ['a'] }),
    ),
    {
      memory: { onConflict: 'error' },
    },
  )
  assert.deepEqual(await told(after, 3), { a: 1 })
  assert.equal(await defaultClient().store.failures.count(), 2)
})

test('parallel steps, namespace: each has its own, those after read the nearest, and both by full name', async () => {
  await bench.work(2)
  const flow = await run(
    chain(
      group(
        chain(task(Gives, { value: { a: 'left' } }), task(Tells, { names: ['a'] })),
        chain(task(Gives, { value: { a: 'right' } }), task(Tells, { names: ['a'] })),
      ),
      task(Tells, { names: ['a', 'b', 'Gives#0.a', 'Gives#2.a'] }),
    ),
    { memory: { onConflict: 'namespace' }, input: { a: 'seed', b: 'seed' } },
  )
  assert.deepEqual(await errors(flow), [])
  assert.deepEqual([await told(flow, 1), await told(flow, 3)], [{ a: 'left' }, { a: 'right' }])
  assert.deepEqual(await told(flow, 4), { a: null, b: 'seed', 'Gives#0.a': 'left', 'Gives#2.a': 'right' })
})

test('only an object is merged: text, a number, an array or nothing is the output of its step and no more', async () => {
  await bench.work()
  for (const value of ['text', 5, [1], true, null, undefined]) {
    const flow = await run(
      chain(task(Gives, { value: { a: 1 } }), task(Gives, { value }), task(Tells, { names: ['a', '0'] })),
    )
    assert.deepEqual(await errors(flow), [])
    assert.deepEqual(await told(flow, 2), { a: 1, 0: null })
    assert.deepEqual((await flow.output(1)) ?? null, value ?? null)
  }
})

test('a schema that throws, and an output that does not fit, fail the step with every path', async () => {
  await bench.work()
  assert.match(
    (await errors(await run(task(ThrowingSchema))))[0] ?? '',
    /SchemaError: input does not fit its schema: the schema itself threw RangeError: schema out of order/,
  )
  const [error = ''] = await errors(await run(task(BadOutput)))
  assert.match(error, /output does not fit its schema: text: .*expected string.*; nested\.n: .*expected number/)
})

test('hundreds of keys, odd names and big values keep their form', async () => {
  await bench.work()
  const value = {
    ...Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, i])),
    'a.b': [],
    'ü "quoted"': {},
    constructor: 1,
    big: 2 ** 52,
    long: 'x'.repeat(100_000),
  }
  const flow = await run(task(Gives, { value }))
  assert.deepEqual(await errors(flow), [])
  assert.deepEqual(await memory.read(flow.id), value)
  const tooMany = await run(
    task(Gives, { value: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`k${i}`, i])) }),
  )
  assert.match((await errors(tooMany))[0] ?? '', /expected at most 1000 keys, got 1001/)
})

test('a BigInt goes through params, outputs and memory as the JSON integer that it is', async () => {
  await bench.work()
  const long = 2n ** 64n
  const flow = await run(chain(task(Gives, { value: { long } }), task(Tells, { names: ['long', 'given'] })), {
    input: { given: long + 1n },
  })
  assert.equal(flow.status, 'finished', (await errors(flow)).join())
  assert.deepEqual(await flow.output(0), { long })
  assert.deepEqual(await told(flow, 1), { long, given: long + 1n })
  assert.deepEqual(await memory.read(flow.id, ['long', 'given']), { long, given: long + 1n })
})
