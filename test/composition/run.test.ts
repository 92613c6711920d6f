import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { chain, group, memory, task, templates, withDelay, workflow, WorkflowRun } from 'resque-runtime'
import { drain } from 'resque-runtime/testing'
import { defaultTarget } from '../../runtime/workflow/definitions/workflow.ts'
import {
  DiamondClass,
  EnrichDoc,
  FetchDoc,
  Flaky,
  Task1,
  Task2,
  Task3,
  Task4,
} from '../fixtures/apps/composed/src/jobs/steps.ts'
import { useRedis } from '../support/redis.ts'
import { useBench } from './support.ts'

const redis = useRedis()
const bench = useBench(redis)
const open = (id: string): Promise<WorkflowRun> => WorkflowRun.open(defaultTarget(), id)
const ended = async (id: string): Promise<WorkflowRun> => (await open(id)).wait({ timeout: '20s' })
/** Steps in the order they began, without times. */
const begun = (): string[] =>
  bench.lines().flatMap((line) => (line.startsWith('begin') ? [line.split(' ')[1] ?? ''] : []))
const at = (what: string): number =>
  Number(
    bench
      .lines()
      .find((line) => line.startsWith(what))
      ?.split(' ')[2],
  )

test('contract: one diamond written three ways has one order of events', async (t) => {
  await bench.work(1)
  process.env.COMPOSED_TRACE = bench.trace
  t.after(() => delete process.env.COMPOSED_TRACE)
  const ways = [
    async () => (await (await DiamondClass.create()).start()).id,
    () => workflow(chain(task(Task1), group(task(Task2, { x: 1 }), task(Task3)), task(Task4))).run(),
    () => templates.run('diamond'),
  ]
  for (const start of ways) {
    writeFileSync(bench.trace, '')
    assert.equal((await ended(await start())).status, 'finished')
    assert.deepEqual(begun(), ['Task1', 'Task2', 'Task3', 'Task4'])
  }
})

test('run() gives the id of a run like any other', async () => {
  await bench.work()
  const flow = workflow(chain(task(Task1), task(Task4)), {
    name: 'Nightly',
    globals: { trace: bench.trace },
    ttl: '1h',
  })
  const [first, second] = [await flow.run(), await flow.run()]
  assert.notEqual(first, second)
  const run = await ended(first)
  assert.equal(run.status, 'finished')
  assert.deepEqual([run.record.class, run.record.ttlMs], ['Nightly', 3_600_000])
  await ended(second)
})

test('of a unique workflow one run is under way', async () => {
  const flow = workflow(task(Task1), { name: 'Once', unique: true })
  const id = await flow.run()
  await assert.rejects(flow.run(), {
    code: 'ERR_STATE',
    message: new RegExp(`^Once: expected no other run .* ${id} is`),
  })
})

test('an empty workflow is finished as soon as it starts', async () => {
  assert.equal((await ended(await workflow(chain(group(), chain())).run())).status, 'finished')
})

test('a delay counts from the moment the part is ready, not from the start of the run', async () => {
  await bench.work(2)
  await ended(
    await workflow(chain(task(Task1), withDelay(group(task(Task2), task(Task3)), 400), task(Task4)), {
      globals: { trace: bench.trace },
    }).run(),
  )
  const ready = at('end Task1')
  assert.ok(at('begin Task2') >= ready + 395, bench.lines().join('\n'))
  assert.ok(at('begin Task3') >= ready + 395, bench.lines().join('\n'))
  assert.ok(at('begin Task4') >= at('end Task3'))
})

test('a group member that fails: the rest finishes, what follows does not run, continue takes it up', async () => {
  await bench.work(2)
  const needs = join(bench.dir, 'there')
  const parts = chain(task(Task1), group(task(Task2), task(Flaky, { needs }), task(Task3)), task(Task4))
  const run = await ended(await workflow(parts, { globals: { trace: bench.trace } }).run())
  assert.equal(run.status, 'failed')
  assert.deepEqual(
    run.jobs.map(({ class: name, state }) => `${name} ${state}`),
    ['Task1 finished', 'Task2 finished', 'Flaky failed', 'Task3 finished', 'Task4 blocked'],
  )
  assert.deepEqual(
    (await run.failures()).map((failure) => `${failure.class}: ${failure.error.message}`),
    ['Flaky: not yet'],
  )
  writeFileSync(needs, '')
  await (await run.continue()).wait({ timeout: '20s' })
  assert.equal(run.status, 'finished')
  assert.deepEqual(begun().sort(), ['Flaky', 'Flaky', 'Task1', 'Task2', 'Task3', 'Task4'])
  assert.equal(begun().at(-1), 'Task4')
})

test('drain() of resque-runtime/testing carries a workflow, memory included', async () => {
  const id = await workflow(chain(task(FetchDoc), task(EnrichDoc)), { input: { doc_id: '1' } }).run()
  assert.deepEqual(await drain([FetchDoc, EnrichDoc]), { processed: 2, failed: 0 })
  assert.equal((await open(id)).status, 'finished')
  assert.deepEqual(await memory.read(id, ['words']), { words: 6 })
})

test('workflows have memory when the configuration says so, unless they decline', async () => {
  bench.settings({ memory: { prefix: 'memory' } })
  const kept = await DiamondClass.create()
  const declined = await DiamondClass.create.with<DiamondClass>({ memory: false })()
  const own = await DiamondClass.create.with<DiamondClass>({
    memory: { prefix: 'own', onConflict: 'error', ttl: '1h' },
  })()
  assert.deepEqual(
    [kept, declined, own].map((run) => run.record.fields.memory),
    ['last 86400000 memory', undefined, 'error 3600000 own'],
  )
  for (const memory of [{ onConflict: 'never' }, { prefix: 'a b' }, { ttl: 'soon' }, { keep: 1 } as never]) {
    await assert.rejects(
      DiamondClass.create.with<DiamondClass>({ memory })(),
      /memory\.(onConflict|prefix|ttl|keep): expected/,
    )
  }
})
