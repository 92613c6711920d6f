// The schedule in one read: fire times in each entry's zone, what is off, late or missed.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { explain } from '../../runtime/inspect/doctor/explain.ts'
import { overview } from '../../runtime/inspect/overview.ts'
import { scheduleView, type EntryRow } from '../../runtime/inspect/schedule.ts'
import { describeEntry } from '../../scheduler/entries/entry.ts'
import { readSchedule } from '../../scheduler/entries/schedule-file.ts'
import { useRedis } from '../support/redis.ts'
import { useStore } from '../worker/support.ts'
import { inspected } from './support.ts'

const server = useRedis()
const to = useStore(server)
const hour = 3_600_000

it('has the next fire times of each entry in its zone, its pause, lateness and missed firings', async () => {
  const { store } = to
  const text = `
daily: { cron: '0 8 * * * Asia/Kolkata', class: A, queue: q }
often: { every: ['30m', { times: 3 }], class: A, queue: q }
still: { cron: '0 8 * * *', class: A, queue: q }
byhand: { class: A, queue: q, every: '1h', enabled: false }
`
  const { entries, problems } = readSchedule(text, { file: 'schedule.yml', source: 'file' })
  assert.deepEqual(problems, [])
  await store.schedules.describe(
    new Map([...entries].map(([name, entry]) => [name, JSON.stringify(describeEntry(entry, undefined))])),
  )
  const now = Date.now()
  await store.schedules.switch('still', { paused: true }, now)
  await store.schedules.register('often', now - hour, now + hour, true, 'x')
  await server
    .client()
    .hset('resque:rt:schedule:often', { fired: 1, slot: now - 31 * 60_000, next: now - 60_000, missed: 2 })
  await server
    .client()
    .rpush('resque:rt:schedules:missed', JSON.stringify({ entry: 'often', count: 2, reason: 'late' }))
  const view = await scheduleView(inspected(store))
  const by = Object.fromEntries(view.entries.map((row) => [row.name, row])) as Record<string, EntryRow>
  assert.deepEqual([view.leader, view.total, view.missed[0]?.entry], [undefined, 4, 'often'])
  const daily = by['daily']?.next ?? []
  assert.equal(daily.length, 5)
  for (const { atMs, local } of daily) {
    assert.equal(new Date(atMs).toISOString().slice(11, 19), '02:30:00')
    assert.match(local, /08:00:00/)
  }
  assert.deepEqual([by['still']?.status, by['still']?.next], ['paused', []])
  await server.client().hset('resque:rt:schedule:still', 'next', now - hour)
  await server.client().set('resque:resque:resque_scheduler_master_lock', 'here:1', 'PX', 60_000)
  const paused = (await explain('still', inspected(store))) ?? []
  assert.ok(paused.some(({ what }) => what === 'it is paused') && paused.every(({ level }) => level !== 'bad'))
  const late = (await explain('often', inspected(store))) ?? []
  assert.ok(late.some(({ what }) => what === 'here:1 leads and has not fired it'))
  await server.client().del('resque:resque:resque_scheduler_master_lock')
  assert.deepEqual([by['byhand']?.status, by['byhand']?.next], ['disabled', []])
  const often = by['often']
  assert.equal(often?.next.length, 2, 'it fires three times, and has fired once')
  assert.deepEqual(
    often?.next.map(({ atMs }) => Math.round((atMs - now) / 60_000)),
    [29, 59],
  )
  assert.ok((often?.overdueMs ?? 0) >= 60_000)
  assert.equal(often?.state?.missed, 2)
})

it('shows what a scheduler of another version has described, without fire times that are not known', async () => {
  const { store } = to
  const soon = Date.now() + hour
  const old = { kind: 'job', target: 'A', args: '[]', reads: 'x', overlap: 'allow', catchup: 'none', enabled: true }
  const other = { ...old, timing: 'no cron line', zone: 'Mars/Base', next: soon }
  await store.schedules.describe(new Map([['old', JSON.stringify(other)]]))
  const { entries } = await scheduleView(inspected(store))
  assert.deepEqual(entries[0]?.next.map(({ atMs }) => atMs), [soon]) // prettier-ignore
})

it('leaves out what cannot be read', async () => {
  const { store } = to
  const redis = server.client()
  const good = { kind: 'job', target: 'A', args: '[]', reads: 'x', overlap: 'allow', catchup: 'none', enabled: true }
  await redis.hset('resque:rt:schedules', { broken: '{', number: '5', list: '[]', good: JSON.stringify(good) })
  await redis.rpush('resque:rt:schedules:missed', '{', JSON.stringify({ entry: 'good', count: 1, atMs: 1 }))
  const { entries, missed } = await scheduleView(inspected(store))
  assert.deepEqual([entries.map(({ name }) => name), missed.length], [['good'], 1])
  const { scheduler } = await overview(inspected(store))
  assert.equal(scheduler?.entries, 1)
})
