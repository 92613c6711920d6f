import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { describe, it, mock } from 'node:test'
import { systemClock, longestTimerMs, startTimer } from '../../runtime/core/clock.ts'

const day = 86_400_000

describe('a timer', () => {
  it('fires once its time is over, however long that is, and not before', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const fire = mock.fn()
    startTimer(fire, 60 * day)
    const last = 60 * day - 2 * longestTimerMs
    for (const ms of [longestTimerMs, longestTimerMs, last - 1]) t.mock.timers.tick(ms)
    assert.equal(fire.mock.callCount(), 0)
    t.mock.timers.tick(1)
    assert.equal(fire.mock.callCount(), 1)
  })

  it('never fires when it was stopped, also after its first 24 days', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const fire = mock.fn()
    const timer = startTimer(fire, 60 * day)
    t.mock.timers.tick(longestTimerMs)
    timer.stop()
    for (let passed = 0; passed < 60; passed += 1) t.mock.timers.tick(day)
    assert.equal(fire.mock.callCount(), 0)
  })
})

it('a sleep of sixty days lasts until it is woken', async () => {
  const wake = new AbortController()
  let slept = false
  const sleep = systemClock.sleep(60 * day, wake.signal).then(() => (slept = true))
  for (let i = 0; i < 20; i += 1) await setImmediate()
  assert.equal(slept, false)
  wake.abort()
  assert.equal(await sleep, true)
})
