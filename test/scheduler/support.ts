import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { afterEach } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Clock } from '../../runtime/core/clock.ts'
import { createLogger, type Logger } from '../../runtime/core/logger.ts'
import type { Store } from '../../runtime/store/store.ts'
import type { CheckContext } from '../../scheduler/entries/entry.ts'
import { readSchedule } from '../../scheduler/entries/schedule-file.ts'
import { Scheduler, type SchedulerOptions } from '../../scheduler/scheduler.ts'
import { eventually } from '../support/wait.ts'

/** A logger that keeps its lines. */
export function keepingLogger(): { log: Logger; lines: string[] } {
  const lines: string[] = []
  return { log: createLogger({ level: 'debug', format: 'text', write: (line) => lines.push(line) }), lines }
}

/** The machine's clock, with an offset that a test may change. */
export class ShiftedClock implements Clock {
  offsetMs: number

  constructor(offsetMs = 0) {
    this.offsetMs = offsetMs
  }

  now(): number {
    return Date.now() + this.offsetMs
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await sleep(ms, undefined, { signal }).catch(() => undefined)
  }
}

/** A scheduler on a test's store; `yaml` is its schedule, read anew at each reload. */
export function testScheduler(
  store: Store,
  yaml: string | (() => string),
  more: Partial<SchedulerOptions> = {},
): Scheduler {
  const context: CheckContext = { file: 'schedule.yml', source: 'file', zone: 'UTC', ...more.context }
  return new Scheduler({
    store,
    log: keepingLogger().log,
    load: async () => readSchedule(typeof yaml === 'string' ? yaml : yaml(), context),
    ttlMs: 86_400_000,
    failedMax: 100,
    context: { zone: 'UTC' },
    renewMs: 50,
    ...more,
  })
}

/** Schedulers of a test file: each is stopped after its test, before what the file does then. */
export function useSchedulers(): { running: Scheduler[]; lead: (scheduler: Scheduler) => Promise<Scheduler> } {
  const running: Scheduler[] = []
  afterEach(async () => {
    for (const scheduler of running.splice(0)) await scheduler.stop()
  })
  /** Starts it, and waits until it leads. */
  const lead = async (scheduler: Scheduler): Promise<Scheduler> => {
    running.push(scheduler)
    await scheduler.start()
    await eventually(() => scheduler.leads)
    return scheduler
  }
  return { running, lead }
}

/** How many scripts a server has run. */
export async function scriptCalls(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats')
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0)
}

/** How many commands clients send to a server in so many milliseconds; those of scripts do not count. */
export async function countCommands(socket: string, ms: number): Promise<number> {
  // ioredis's monitor() may take the first command that it sees for its own reply.
  const monitor = connect(socket)
  let seen = 0
  createInterface({ input: monitor }).on(
    'line',
    (line) => (seen += line.startsWith('+OK') || line.includes(' lua]') ? 0 : 1),
  )
  monitor.write('MONITOR\r\n')
  await sleep(ms)
  monitor.destroy()
  return seen
}
