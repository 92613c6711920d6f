import { systemClock } from '../../runtime/core/clock.ts'
import { newId } from '../../runtime/core/ids.ts'
import { Tally } from '../../runtime/metrics/tally.ts'
import { Pipelines } from '../../runtime/workflow/pipelines/pipelines.ts'
import type { Store } from '../../runtime/store/store.ts'
import type { TestRedis } from '../support/redis.ts'
import { StepDriver } from '../workflow/support.ts'
import { addFailures, testConfig } from './world.ts'
import { reserveOne } from '../support/reserve.ts'

const ttlMs = 86_400_000
const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** What a browser's page is looked at with. */
export interface Populated {
  /** The failed run. */
  runId: string
  /** A running job. */
  jobId: string
}

/** A list with so many more entries: failed, waiting and delayed jobs. */
export async function addMany(server: TestRedis, store: Store, count: number): Promise<void> {
  if (count === 0) return
  const redis = server.client()
  const some = await redis.lrange('resque:failed', 0, -1)
  if (some.length === 0) await addFailures(store, 3)
  const entries = some.length === 0 ? await redis.lrange('resque:failed', 0, -1) : some
  if (some.length === 0) await redis.del('resque:failed')
  const second = Math.floor(Date.now() / 1000) + 3600
  for (let at = 0; at < count; at += 1000) {
    const numbers = Array.from({ length: Math.min(1000, count - at) }, (_, i) => at + i)
    await redis.rpush('resque:failed', ...numbers.map((i) => entries[i % entries.length] ?? ''))
    await redis.rpush('resque:queue:mail', ...numbers.map((i) => `{"class":"MailJob","args":[${i}]}`))
    const due = String(second + at)
    await redis.zadd('resque:delayed_queue_schedule', due, due)
    await redis.rpush(`resque:delayed:${due}`, ...numbers.map((i) => `{"class":"LateJob","args":[${i}],"queue":"low"}`))
  }
  await redis.sadd('resque:queues', 'mail')
}

/**
 * A day of a small application: failed, waiting and delayed jobs, a schedule, one finished and one failed workflow, counters.
 */
export async function populate(server: TestRedis, store: Store): Promise<Populated> {
  const nowMs = Date.now()
  await addFailures(store, 14)
  const mails = Array.from({ length: 8 }, (_, i) => ({
    id: newId(),
    className: 'MailJob',
    item: JSON.stringify({ class: 'MailJob', args: [1000 + i, { template: 'welcome', token: 'secret' }] }),
  }))
  await store.queues.push('mail', mails, nowMs - 14 * minuteMs, ttlMs)
  const reminders = mails.slice(0, 3).map((job) => ({ ...job, id: newId() }))
  await store.queues.push('low', reminders, nowMs - 20_000, ttlMs)
  await store.queues.setPaused('low', true)
  const delayed = [1, 5, 90].map((minutes) => ({
    ...{ id: newId(), className: 'ReminderJob', item: `{"class":"ReminderJob","args":[${minutes}]}` },
    ...{ queue: 'low', dueMs: nowMs + minutes * minuteMs },
  }))
  await store.delayed.add(delayed, nowMs, ttlMs)
  const entry = { kind: 'class', queue: 'low', zone: 'Europe/Berlin', enabled: true }
  const entries = {
    nightly_report: { ...entry, target: 'ReportJob', reads: 'At 02:00', next: nowMs + 5 * hourMs },
    remind_the_team: {
      ...entry,
      target: 'ReminderJob',
      reads: 'At 09:00, Monday through Friday',
      next: nowMs - hourMs,
    },
  }
  await store.schedules.describe(new Map(Object.entries(entries).map(([name, about]) => [name, JSON.stringify(about)])))
  await store.audit.add({ atMs: nowMs - hourMs, user: 'ada', action: 'queue-pause', note: 'Queue low is paused.' })
  await count(store, nowMs)
  const jobId = await runSome(store, nowMs)
  const driver = await new StepDriver(server, 'driver', 'resque').register()
  const steps = { Download: [], ImportRows: ['Download'], Report: ['ImportRows'], Tell: ['!ImportRows'] }
  const run = async (failing: string[]): Promise<string> => {
    const { id } = await driver.create(steps, { ttlMs })
    await store.runs.start(id, Date.now())
    await driver.drain(failing)
    return id
  }
  await run([])
  const failed = await run(['ImportRows'])
  driver.close()
  const { limits, workflows } = testConfig()
  const bounds = { ttlMs: workflows.ttlMs, maxPayloadBytes: limits.maxPayloadBytes, recordTtlMs: limits.recordTtlMs }
  const pipelines = new Pipelines({ store, clock: systemClock, ...bounds })
  await pipelines.load(
    'nightly: { queue: low, jobs: [{ name: extract, class_name: ExtractJob }, { name: load, class_name: LoadJob }] }',
  )
  await pipelines.run('nightly', { by: 'ada' })
  return { runId: failed, jobId }
}

/** Two jobs in the hands of a worker, one of them for long, and a worker that was lost. */
async function runSome(store: Store, nowMs: number): Promise<string> {
  let last = ''
  const about = {
    host: 'worker-3',
    pid: '4711',
    queues: 'default,mail',
    launcher: 'fork',
    started_at: String(nowMs - hourMs),
  }
  const slots = ['worker-3:4711-1:default', 'worker-3:4711-2:default']
  await store.supervisors.register('w3', slots, about, ttlMs)
  for (const [i, slot] of slots.entries()) {
    const [id, startedMs] = [newId(), nowMs - (i === 0 ? 47 : 0.2) * minuteMs]
    const item = JSON.stringify({ class: 'ImportJob', args: [i, { path: `rows-${i}.csv` }] })
    await store.queues.push('default', [{ id, className: 'ImportJob', item }], startedMs - 30, ttlMs)
    await reserveOne(store, 'w3', slot, ['default'], newId(), startedMs)
    await store.jobs.note(id, { pid: 4720 + i, progress: `${40 * (i + 1)}/100 rows` })
    last = id
    await store.jobs.addLog(id, ['reading rows', `row ${40_000 * (i + 1)} of 100000`], 100, ttlMs)
  }
  return last
}

/** Counters of a day by minute, every fourth, and of two weeks by hour. */
async function count(store: Store, nowMs: number): Promise<void> {
  const add = async (atMs: number, target: 'minute' | 'hour', scale: number): Promise<void> => {
    const tally = new Tally()
    const wave = 3 + 2 * Math.sin(atMs / (4 * hourMs))
    for (let i = 0; i < wave * scale; i += 1) {
      const [queue, className] = i % 3 === 0 ? (['mail', 'MailJob'] as const) : (['default', 'ImportJob'] as const)
      const isFailed = (i + Math.floor(atMs / minuteMs)) % 11 === 0
      const how = isFailed ? { outcome: 'failed', cause: 'timeout' } : { outcome: 'done', cause: '' }
      tally.add({ queue, className, ...how, waitMs: 40 * wave * (i + 1), runMs: 700 * (1 + (i % 7)), forkMs: 12 })
    }
    await store.metrics.add(
      tally.take().filter((each) => each.target === target),
      atMs,
    )
  }
  const back = (count: number, stepMs: number): number[] =>
    Array.from({ length: count }, (_, i) => nowMs - (i + 0.5) * stepMs)
  await Promise.all([
    ...back(375, 4 * minuteMs).map((atMs) => add(atMs, 'minute', 2)),
    ...back(14 * 24, hourMs).map((atMs) => add(atMs, 'hour', 8)),
  ])
}
