// Random graphs under everything that may happen to a run: steps that end in any way, go back or wait for another attempt,
// and people who stop, continue, retry and skip, in any order. After each of them the run is where the model is.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import { runs as tries, useSeed } from '../support/properties.ts'
import { useRedis } from '../support/redis.ts'
import { ModelRun } from './model-run.ts'
import { graphs } from './random-graph.ts'
import { StepDriver, type Sketch, type Taken } from './support.ts'

useSeed()
const redis = useRedis()
let driver: StepDriver

beforeEach(async () => {
  driver = await new StepDriver(redis).register()
})
afterEach(() => driver.close())

const actions = ['take', 'take', 'take', 'end', 'end', 'end', 'fail', 'veto', 'back', 'wait', 'cancel', 'tick'] as const
const changes = ['stop', 'continue', 'retry', 'skip'] as const
const steps = fc.array(
  fc.tuple(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...actions) },
      { weight: 1, arbitrary: fc.constantFrom(...changes) },
    ),
    fc.nat(),
  ),
  { minLength: 5, maxLength: 60 },
)

/** One run in the store and in the model, changed together. */
class Pair {
  readonly model: ModelRun
  readonly #id: string
  readonly #names: string[]
  readonly #inHand: Taken[] = []
  #nowMs = Date.now()

  constructor(graph: Sketch, id: string, names: string[]) {
    this.model = new ModelRun(graph)
    this.#id = id
    this.#names = names
  }

  async start(): Promise<void> {
    await driver.store.runs.start(this.#id, this.#nowMs)
    this.model.start()
  }

  /** Does one thing where it may be done. @returns false where not */
  async do(action: (typeof actions)[number] | (typeof changes)[number], pick: number): Promise<boolean> {
    const { model } = this
    const { runs } = driver.store
    const oneOf = (names: readonly string[]): string | undefined => names[pick % names.length]
    switch (action) {
      case 'take':
        return this.#take()
      case 'tick':
        this.#nowMs += 1000
        await driver.store.delayed.moveDue(this.#nowMs, 100, { ttlMs: 60_000, failedMax: 10 })
        model.tick()
        return true
      case 'stop':
        if (model.status !== 'running') return false
        await runs.stop(this.#id, this.#nowMs)
        model.stop()
        return true
      case 'continue':
        if (model.status !== 'failed' && model.status !== 'stopped') return false
        await runs.resume(this.#id, this.#nowMs)
        model.resume()
        return true
      case 'retry':
      case 'skip': {
        const name = oneOf(
          action === 'retry' ? model.in('failed') : model.in('waiting', 'queued', 'delayed', 'failed', 'held'),
        )
        if (name === undefined) return false
        await runs.decide(this.#id, this.#names.indexOf(name), action, this.#nowMs)
        model[action](name)
        return true
      }
      default:
        return this.#end(action, pick)
    }
  }

  async #take(): Promise<boolean> {
    const taken = await driver.take()
    if (this.model.status !== 'running') {
      assert.equal(taken, undefined, 'nothing runs while the run does not')
      this.model.refuseAll()
      return true
    }
    if (!taken) {
      assert.deepEqual(this.model.ready(), [], 'each step that is ready lies on its queue')
      return false
    }
    this.model.take(taken.className)
    this.#inHand.push(taken)
    return true
  }

  async #end(action: 'end' | 'fail' | 'veto' | 'back' | 'wait' | 'cancel', pick: number): Promise<boolean> {
    const [taken] = this.#inHand.splice(pick % Math.max(this.#inHand.length, 1), 1)
    if (!taken) return false
    const { className, job } = taken
    if (action === 'back' || action === 'wait') {
      const dueAtMs = action === 'wait' ? this.#nowMs + 500 : 0
      const { supervisors } = driver.store
      assert.ok(await supervisors.requeue(driver.supervisor, job, this.#nowMs, dueAtMs, true, 60_000))
      this.model.back(className, action === 'wait' ? 'delayed' : 'queued')
      return true
    }
    const [state, how] = {
      end: ['done', 'done'],
      veto: ['done', 'veto'],
      fail: ['failed', 'failed'],
      cancel: ['cancelled', 'cancelled'],
    }[action] as ['done', 'done']
    assert.ok(await driver.end(taken, state, action === 'veto' ? { extra: '{"force_skip":true}' } : {}))
    this.model.end(className, how)
    assert.equal(await driver.end(taken), false, 'a second end of one delivery counts for nothing')
    return true
  }

  /** Whatever happened before: a run that is continued, and of which no step fails any more, finishes. */
  async finish(): Promise<void> {
    const { model } = this
    for (let i = 0; model.status !== 'finished'; i += 1) {
      assert.ok(i < 500, `stuck: ${model.status}`)
      const isDone =
        (await this.do('continue', 0)) ||
        (await this.do('take', 0)) ||
        (await this.do('end', 0)) ||
        (await this.do('tick', 0))
      assert.ok(isDone)
      await this.compare('at the end')
    }
    for (const { name, state, goodEnds } of model.nodes.values()) {
      assert.ok(state === 'finished' || state === 'skipped', `${name} is ${state}`)
      assert.equal(goodEnds, state === 'finished' ? 1 : 0, name)
    }
  }

  async compare(after: string): Promise<void> {
    await driver.store.runs.advance(this.#nowMs)
    const expected = Object.fromEntries([...this.model.nodes.values()].map(({ name, state }) => [name, state]))
    assert.deepEqual(await driver.states(this.#id, this.#names), { run: this.model.status, ...expected }, after)
  }
}

test('any graph, any ends, and any changes by people: after each the run is as the rules say, and it can always be finished', async () => {
  await fc.assert(
    fc.asyncProperty(graphs, steps, async (graph, all) => {
      await redis.client().flushdb()
      await driver.register()
      const { id, names } = await driver.create(graph)
      const pair = new Pair(graph, id, names)
      await pair.start()
      await pair.compare('start')
      for (const [action, pick] of all) if (await pair.do(action, pick)) await pair.compare(action)
      await pair.finish()
    }),
    { numRuns: tries(25) },
  )
})
