// Outputs of a step's parents: few and small ones come with the step, others are read in pages.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { collectPayloads } from '../../runtime/workflow/run/steps.ts'
import { useRedis } from '../support/redis.ts'
import { StepDriver, type Taken } from './support.ts'

const redis = useRedis()
let driver: StepDriver

beforeEach(async () => {
  driver = await new StepDriver(redis).register()
})
afterEach(() => driver.close())

/** Runs `outputs.length` parents, and takes the step that hangs on all of them. */
async function childOf(outputs: readonly string[]): Promise<Taken> {
  const parents = outputs.map((_, i) => `p${i}`)
  const { id } = await driver.create({ ...Object.fromEntries(parents.map((name) => [name, []])), child: parents })
  await driver.store.runs.start(id, Date.now())
  for (const output of outputs) await driver.end((await driver.take())!, 'done', { output })
  return (await driver.take())!
}

const collect = ({ run, index, begun }: Taken, maxBytes = Infinity): Promise<unknown[]> =>
  collectPayloads(driver.store.runs.read, run, index, begun, maxBytes).then((all) =>
    all.map(({ output }) => JSON.parse(output ?? 'null') as unknown),
  )

test('large outputs of a few parents do not come in the script that begins the step', async () => {
  const texts = Array.from({ length: 3 }, (_, i) => `${i}`.repeat(100_000))
  const child = await childOf(texts.map((text) => JSON.stringify(text)))
  assert.equal(child.begun.payloads, 'many')
  assert.deepEqual(await collect(child), texts)
  await assert.rejects(collect(child, 300_005), {
    code: 'ERR_TOO_LARGE',
    message: /expected at most 300005 bytes from its 3 parents/,
  })
})

test('the outputs of a wide fan-in come in the order of the parents, whatever the pages', async () => {
  const texts = Array.from({ length: 150 }, (_, i) => `${i} `.repeat(i % 7 === 0 ? 30_000 : 1))
  const child = await childOf(texts.map((text) => JSON.stringify(text)))
  assert.deepEqual(await collect(child), texts)
})

test('bytes are counted, not characters', async () => {
  const child = await childOf(['"ééé"', '"a"'])
  assert.notEqual(child.begun.payloads, 'many')
  assert.deepEqual(await collect(child, 11), ['ééé', 'a'])
  await assert.rejects(collect(child, 10), { code: 'ERR_TOO_LARGE' })
})

test('a run whose table is gone has no outputs to give', async () => {
  const child = await childOf(['"x"', JSON.stringify('x'.repeat(300_000))])
  assert.equal(child.begun.payloads, 'many')
  await redis.client().del(driver.store.connection.keys.runTable(child.run))
  assert.deepEqual(await collect(child), [])
})
