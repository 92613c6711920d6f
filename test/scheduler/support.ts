import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../runtime/core/clock.ts'
import { createLogger, type Logger } from '../../runtime/core/logger.ts'
import type { Store } from '../../runtime/store/store.ts'
import type { CheckContext } from '../../scheduler/entry.ts'
import { readSchedule } from '../../scheduler/schedule-file.ts'
import { Scheduler, type SchedulerOptions } from '../../scheduler/scheduler.ts'

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
    turnMs: 50,
    ...more,
  })
}
