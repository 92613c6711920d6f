// Random graphs, random ends, random order of events, workers that die: the engine must come to what a plain reading of the
// rules gives, whatever the order.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import { useRedis } from '../support/redis.ts'
import { useSeed } from '../support/properties.ts'
import { graphs, told, type End } from './random-graph.ts'
import { StepDriver, type Sketch, type Taken } from './support.ts'

useSeed()
const redis = useRedis()
let driver: StepDriver

beforeEach(async () => {
  driver = await new StepDriver(redis).register()
})
afterEach(() => driver.close())

interface Plan {
  graph: Sketch
  ends: Record<string, End>
}

const plans: fc.Arbitrary<Plan> = fc
  .tuple(
    graphs,
    fc.array(fc.constantFrom<End>('done', 'done', 'done', 'done', 'failed', 'veto'), { minLength: 12, maxLength: 12 }),
  )
  .map(([graph, ends]) => ({ graph, ends: Object.fromEntries(Object.keys(graph).map((name, i) => [name, ends[i]!])) }))

/** What must come of a plan: the state of each node once nothing moves any more. */
function expected({ graph, ends }: Plan): Record<string, string> {
  const how: Record<string, string> = {}
  for (const [name, parents] of Object.entries(graph)) {
    const words = parents.map((parent) => told[how[parent.replace(/^[!~]/, '')]!]?.[/^[!~]/.exec(parent)?.[0] ?? ''])
    if (words.includes('veto')) how[name] = 'skipped'
    else if (words.includes(undefined)) how[name] = 'waiting'
    else if (words.includes('pass') || parents.length === 0)
      how[name] = { done: 'finished', failed: 'failed', veto: 'vetoed' }[ends[name]!]
    else how[name] = 'skipped'
  }
  return how
}

test('any graph, any order of events, workers that die: every run ends as the rules say, and no step is counted twice', async () => {
  let dead = 0
  await fc.assert(
    fc.asyncProperty(plans, fc.infiniteStream(fc.nat(99)), async (plan, dice) => {
      const roll = (): number => dice.next().value as number
      const { id, names } = await driver.create(plan.graph)
      const { runs } = driver.store
      await runs.start(id, Date.now())
      const ran: Record<string, number> = {}
      const inHand: Taken[] = []
      let mortal: StepDriver | undefined
      for (;;) {
        const die = roll()
        const taken = inHand.length < 4 && die < 60 ? await driver.take() : undefined
        if (taken) {
          inHand.push(taken)
        } else if (inHand.length > 0) {
          const [step] = inHand.splice(roll() % inHand.length, 1)
          const end = plan.ends[step!.className]!
          ran[step!.className] = (ran[step!.className] ?? 0) + 1
          assert.equal(
            await driver.end(
              step!,
              end === 'failed' ? 'failed' : 'done',
              end === 'veto' ? { extra: '{"force_skip":true}' } : {},
            ),
            true,
          )
          assert.equal(await driver.end(step!), false, 'a second word of the same delivery counts for nothing')
        } else if ((await runs.read.find(id))?.status !== 'running') break
        await runs.advance(Date.now())
        if (die > 92) {
          // A worker takes a step, maybe ends it, and dies.
          mortal = await new StepDriver(redis, `mortal${(dead += 1)}`).register()
          const lost = await mortal.take()
          await redis.client().zadd('test:rt:supervisors', 1, mortal.supervisor)
          await driver.store.supervisors.reclaim(
            mortal.supervisor,
            { maxRedeliveries: 100, failedMax: 10, ttlMs: 1000 },
            Date.now(),
          )
          if (lost) assert.equal(await mortal.end(lost), false)
          mortal.close()
        }
      }
      const want = expected(plan)
      const { run, ...states } = await driver.states(id, names)
      assert.deepEqual(
        states,
        Object.fromEntries(
          Object.entries(want).map(([name, state]) => [name, state === 'vetoed' ? 'finished' : state]),
        ),
      )
      assert.equal(
        run,
        Object.values(want).some((state) => state === 'failed' || state === 'waiting') ? 'failed' : 'finished',
      )
      for (const [name, state] of Object.entries(want))
        assert.equal(ran[name] ?? 0, ['finished', 'vetoed', 'failed'].includes(state) ? 1 : 0, name)
      await assertCounts(id)
      await finish(id, names)
    }),
    { numRuns: 150 },
  )
})

/** The counts kept along the way are what the table says. */
async function assertCounts(id: string): Promise<void> {
  const { read } = driver.store.runs
  const record = (await read.find(id))!
  const rows = await read.nodes(id, 0, record.total)
  const counted: Record<string, number> = {}
  for (const { state } of rows) counted[state] = (counted[state] ?? 0) + 1
  assert.deepEqual(record.counts, counted)
  const tally: Record<string, number> = {}
  for (const of of (await read.tally(id)).values())
    for (const [state, count] of Object.entries(of)) tally[state] = (tally[state] ?? 0) + count
  assert.deepEqual(tally, counted)
  for await (const owners of read.owners(id)) assert.deepEqual(owners, [])
}

/** From any failed end, continue with nothing failing any more finishes the run. */
async function finish(id: string, names: readonly string[]): Promise<void> {
  if ((await driver.store.runs.read.find(id))?.status === 'failed') {
    await driver.store.runs.resume(id, Date.now())
    await driver.drain()
  }
  const { run, ...states } = await driver.states(id, names)
  assert.equal(run, 'finished')
  for (const state of Object.values(states)) assert.ok(state === 'finished' || state === 'skipped', state)
}

test('wide fan-outs and fan-ins go on in batches, and a driver that dies between two of them leaves nothing behind', async () => {
  const width = 1000
  const rows = Array.from({ length: width }, (_, i) => `r${i}`)
  const graph: Sketch = { root: [], ...Object.fromEntries(rows.map((row) => [row, ['root']])), join: rows }
  const { id } = await driver.create(graph)
  const { runs, supervisors, connection } = driver.store
  await connection.run('run-start', { id, now: Date.now() })
  await connection.run('run-continue', { now: Date.now() })
  const root = (await driver.take())!
  // The settle script alone, without what would go on with it: as if the process had died right after.
  const reply = await connection.run('settle', {
    supervisor: driver.supervisor,
    worker: driver.worker,
    id: root.job.id,
    delivery: root.job.delivery,
    now: Date.now(),
    failedAt: '',
    state: 'done',
    entry: '',
    failedMax: 10,
    ttlMs: 1000,
    fields: '{}',
    output: '',
    extra: '',
  })
  assert.equal(reply, 'more')
  const part = (await runs.read.find(id))!.counts
  assert.ok(part.queued! >= 100 && part.queued! < width)
  assert.equal((await runs.read.find(id))!.status, 'running')
  await runs.advance(Date.now())
  assert.equal((await runs.read.find(id))!.counts.queued, width)
  const ran = await driver.drain()
  assert.equal(ran.length, width + 1)
  assert.equal(ran.at(-1), 'join')
  assert.equal((await runs.read.find(id))!.status, 'finished')
  assert.ok(supervisors)
})
