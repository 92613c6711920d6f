// `runtime doctor ENTRY`: when an entry of the schedule fired, when it will, and what keeps it from firing.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { explain } from '../../runtime/inspect/doctor/explain.ts'
import { useRedis } from '../support/redis.ts'
import { StepDriver } from '../workflow/support.ts'
import { inspected } from './support.ts'

const server = useRedis()

const minute = 60_000

it('an entry is late, off, missed or busy, and says so', async (t) => {
  const driver = await new StepDriver(server, 'driver', 'resque').register()
  t.after(() => driver.close())
  const redis = server.client()
  const said = async (): Promise<string> =>
    ((await explain('tick', inspected(driver.store))) ?? [])
      .map(({ level, what, cure }) => `${level}: ${what}${cure ? ` → ${cure}` : ''}`)
      .join('\n')
  const describe = (more: object): Promise<void> => {
    const about = { kind: 'job', target: 'A', reads: 'hourly', overlap: 'allow', enabled: true, ...more }
    return driver.store.schedules.describe(new Map([['tick', JSON.stringify(about)]]))
  }
  const remember = (fields: object): Promise<number> => redis.hset('resque:rt:schedule:tick', { since: 1, ...fields })

  await remember({ fired_at: Date.now() - 5 * minute })
  const leaderless = 'bad: no scheduler that fires entries leads, so nothing fires → runtime scheduler'
  assert.equal(
    await said(),
    `fine: schedule entry tick: last fired 5m ago\nnote: no scheduler has it loaded → is it in the schedule file? \`runtime schedule check\`\n${leaderless}`,
  )
  await redis.set('resque:resque:resque_scheduler_master_lock', 'a:1', 'PX', minute)
  await describe({ next: Date.now() + 5 * minute })
  assert.equal(await said(), 'fine: schedule entry tick (hourly, job A): last fired 5m ago, next in 5m')
  await remember({ next: Date.now() - 5000 })
  assert.match(await said(), /^fine: .*, was due 5s ago$/, 'a leader may take ten seconds')
  await remember({ next: Date.now() - 5 * minute })
  assert.match(await said(), /was due 5m ago\nbad: a:1 leads and has not fired it → see that scheduler's log/)
  await redis.del('resque:rt:schedule:tick')
  await describe({ enabled: false })
  const off = 'note: it is switched off → runtime schedule enable tick'
  assert.equal(await said(), `fine: schedule entry tick (hourly, job A): never fired\n${off}`)
  await driver.store.schedules.switch('tick', { enabled: true }, Date.now())
  assert.doesNotMatch(await said(), /switched off/, 'a switch by hand goes before the file')
  await driver.store.schedules.switch('tick', { paused: true }, Date.now())
  assert.match(await said(), /note: it is paused → runtime schedule resume tick$/)

  const { id } = await driver.create({ a: [] })
  await driver.store.runs.start(id, Date.now())
  await redis.del('resque:rt:schedule:tick')
  await describe({ overlap: 'queue' })
  assert.doesNotMatch(await said(), /has not ended/, 'it has not fired yet')
  await remember({ job: id })
  await redis.rpush('resque:rt:schedules:waiting:tick', '1', '2')
  assert.match(await said(), new RegExp(`note: its last run has not ended: firings wait for it \\(2 do\\) → .*${id}$`))
  await describe({ overlap: 'skip' })
  assert.match(await said(), /has not ended: the next firing is skipped/)
  await driver.drain()
  assert.doesNotMatch(await said(), /has not ended/)

  await remember({ missed: 2 })
  assert.match(await said(), /note: missed 2 firings: no reason is known$/)
  await remember({ missed_slot: Date.UTC(2026, 0, 1), missed_reason: 'late' })
  assert.match(await said(), /note: missed 2 firings, the last at 2026-01-01T00:00:00.000Z: late$/)
})
