// Recurring entries: time to boot, and what they cost while nothing fires.
import { Cron as Croner } from 'croner'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cron } from '../runtime/cron/cron.ts'
import { countCommands } from '../test/scheduler/support.ts'
import { eventually } from '../test/support/wait.ts'
import { connection, entries, note, redis, startScheduler } from './scheduler-kit.ts'

/** Thousands of cron entries: time to boot, and what they cost while nothing fires. */
export async function measureCron(): Promise<void> {
  const lineOf = (i: number): string => `${i % 60} ${i % 24} ${1 + (i % 28)} * *`
  const yaml = Array.from(
    { length: entries },
    (_, i) => `entry_${i}:\n  cron: '${lineOf(i)} Europe/Berlin'\n  class: A\n  queue: q\n`,
  ).join('')
  await redis.flushall()
  for (const boot of ['first boot', 'later boot']) {
    const started = performance.now()
    const scheduler = await startScheduler(yaml)
    await eventually(
      () => scheduler.entries.length === entries && scheduler.entries.every(({ nextMs }) => nextMs !== undefined),
      { timeoutMs: 60_000 },
    )
    note('cron', `${boot} of ${entries} entries, file and all`, performance.now() - started, 'ms')
    await sleep(1000)
    const cpu = process.cpuUsage()
    await sleep(5000)
    const { user, system } = process.cpuUsage(cpu)
    if (boot === 'later boot') note('cron', 'processor while idle', (user + system) / 50_000, '%')
    await scheduler.stop()
  }
  const perLine = (compute: (line: string) => unknown): number => {
    const started = performance.now()
    for (let i = 0; i < 500; i += 1) compute(lineOf(i))
    return ((performance.now() - started) / 500) * 1000
  }
  note(
    'cron',
    'ours: read a line and find its next time',
    perLine((line) => Cron.parse(line, 'Europe/Berlin').next(Date.now())),
    'µs',
  )
  note(
    'cron',
    'croner: the same',
    perLine((line) => new Croner(line, { timezone: 'Europe/Berlin' }).nextRun()),
    'µs',
  )
}

/** What an idle scheduler asks of Redis. */
export async function measureIdle(): Promise<void> {
  await redis.flushall()
  const scheduler = await startScheduler('far:\n  cron: 0 0 1 1 *\n  class: A\n  queue: q\n')
  await sleep(1000)
  const sent = await countCommands(connection.path, 10_000)
  note('idle', 'commands sent to Redis', sent / 10, '/s')
  await scheduler.stop()
}
