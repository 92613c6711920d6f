// What scheduleFireTimes takes for granted of node-schedule: a new version that behaves otherwise must fail here.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { scheduleJob } from 'node-schedule'
import { scheduleFireTimes } from '../../scheduler/firing/fire-times.ts'

const startMs = Date.UTC(2030, 0)

beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'], now: startMs }))
afterEach(() => mock.timers.reset())

/** Runs the clock on, a millisecond at a time, as timers do. */
function advance(ms: number): void {
  for (let passed = 0; passed < ms; passed += 1) mock.timers.tick(1)
}

/** Fires every second until `lastMs`; `at` are the times at which it did. */
function everySecond(
  afterMs: number,
  lastMs = Infinity,
  delayMs = 0,
): { at: number[][]; job: ReturnType<typeof scheduleFireTimes> } {
  const at: number[][] = []
  const next = (ms: number): number | undefined => (ms + 1000 <= lastMs ? ms + 1000 : undefined)
  const job = scheduleFireTimes(
    'every second',
    afterMs,
    next,
    () => delayMs,
    (fireTimeMs, plannedMs) => at.push([fireTimeMs - startMs, plannedMs - startMs, Date.now() - startMs]),
  )
  return { at, job }
}

describe('fire times', () => {
  it('come one after the other, each at its own time', () => {
    const { at, job } = everySecond(startMs)
    assert.equal(job?.nextMs, startMs + 1000)
    advance(3500)
    assert.deepEqual(at, [
      [1000, 1000, 1000],
      [2000, 2000, 2000],
      [3000, 3000, 3000],
    ])
    assert.equal(job?.nextMs, startMs + 4000)
    job?.cancel()
  })

  it('are put off by their delay', () => {
    const { at, job } = everySecond(startMs, startMs + 1000, 200)
    advance(2000)
    assert.deepEqual(at, [[1000, 1200, 1200]])
    assert.equal(job?.nextMs, undefined)
  })

  it('of the past come at once, none is left out', () => {
    const { at, job } = everySecond(startMs - 3000, startMs + 1000)
    advance(100)
    assert.deepEqual(
      at.map(([fireTimeMs]) => fireTimeMs),
      [-2000, -1000, 0],
    )
    advance(1000)
    assert.deepEqual(at.at(-1), [1000, 1000, 1000])
    job?.cancel()
  })

  it('that are weeks away come, though no timer of Node lasts so long', () => {
    const weeks = 8 * 7 * 86_400_000
    let fired = 0
    scheduleFireTimes(
      'weeks',
      startMs,
      (ms) => (ms === startMs ? startMs + weeks : undefined),
      () => 0,
      () => (fired += 1),
    )
    const hour = 3_600_000
    for (let passed = hour; passed < weeks; passed += hour) mock.timers.tick(hour)
    assert.equal(fired, 0)
    // Mocked timers set their followers from the end of a tick: a tick of an hour makes up for each.
    for (let more = 0; more < 4; more += 1) mock.timers.tick(hour)
    assert.equal(fired, 1)
  })

  it('end when the job is cancelled', () => {
    const { at, job } = everySecond(startMs)
    advance(1500)
    job?.cancel()
    advance(5000)
    assert.equal(at.length, 1)
  })

  it('end when the job is cancelled just after its timer came too early', () => {
    const { at, job } = everySecond(startMs)
    const { now } = Date
    Date.now = () => now() - 5
    advance(1000)
    Date.now = now
    job?.cancel()
    advance(5000)
    assert.deepEqual(at, [])
    assert.equal(job?.nextMs, undefined, 'none is set again')
  })

  it('are known to be lost when their instant has passed', () => {
    const { job } = everySecond(startMs)
    assert.equal(job?.isLost, false)
    const { now } = Date
    Date.now = () => now() + 4000
    assert.equal(job?.isLost, true)
    Date.now = now
    job?.cancel()
  })

  it('may be none at all', () => assert.equal(everySecond(startMs, startMs).job, null))
})

describe('node-schedule', () => {
  it('is of the version that docs/scheduler.md describes', () => {
    const manifest = createRequire(import.meta.url).resolve('node-schedule/package.json')
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
    assert.ok(readFileSync('docs/scheduler.md', 'utf8').includes(`node-schedule ${version} `), version)
  })

  it('takes no date that has passed, and keeps its milliseconds', () => {
    assert.equal(
      scheduleJob('past', new Date(startMs - 1), () => undefined),
      null,
    )
    const job = scheduleJob('soon', new Date(startMs + 1), () => undefined)
    assert.equal(job.nextInvocation()?.getTime(), startMs + 1)
    assert.equal(job.reschedule(new Date(startMs - 1)), false)
    job.cancel()
  })
})
