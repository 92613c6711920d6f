import { startAll, stopAll } from '../../runtime/core/service.ts'
import { systemClock } from '../../runtime/core/clock.ts'
import { hasCode, withCode } from '../../runtime/core/errors.ts'
import type { Service } from '../../runtime/core/service.ts'
import { isRefusal } from '../../runtime/store/connection/redis.ts'
import { title } from '../../runtime/worker/titles.ts'
import { makeArchiver, makeRequestProcessor, makeReaper, makeRunRequests } from '../services.ts'
import { command } from '../command.ts'
import { logFileFlag, openServiceLog } from '../log.ts'
import { makeMetricsServer } from '../metrics.ts'
import { onSignals } from '../signals.ts'
import { makeScheduler } from '../scheduling.ts'

/** resque-scheduler's signals, and HUP as daemons have it: what the scheduler does with each. */
const signals = {
  SIGTERM: 'stop',
  SIGINT: 'stop',
  SIGQUIT: 'stop',
  SIGHUP: 'reload',
  SIGUSR1: 'print',
  SIGUSR2: 'reload',
} as const

/** `runtime scheduler`: moves delayed jobs when they are due and fires the entries of schedule.yml, while it leads. */
export const schedulerCommand = command<{ schedule?: string; strict?: boolean }>({
  example: ['scheduler --schedule schedule.yml', 'HUP reloads the file, USR1 logs the loaded entries'],
  flags: (yargs) =>
    yargs
      .options(logFileFlag)
      .option('schedule', { type: 'string', describe: 'File of recurring jobs (schedule.yml)' })
      .option('strict', { type: 'boolean', describe: 'Refuse the whole file if one entry is invalid' }),
  settings: ({ schedule, strict }) => ({ scheduler: { file: schedule, strict } }),
  log: (config) => openServiceLog(config),
  run: async (context) => {
    const { log } = context
    await context.store.connection
      .ask((redis) => redis.ping())
      .catch((error: unknown) => {
        if (isRefusal(error)) throw error
      })
    const scheduler = await makeScheduler(context)
    const helpers = [
      makeArchiver(context),
      makeRequestProcessor(context),
      makeReaper(context),
      ...makeRunRequests(context, () => scheduler.leads),
    ]
    const { services: metrics } = await makeMetricsServer(context, {
      kind: 'scheduler',
      facts: () => ({ leads: scheduler.leads }),
      notReady: () => undefined,
      isExporter: () => scheduler.leads,
    })
    process.title = title('Scheduler')
    let leave = (): void => undefined
    const left = new Promise<void>((resolve) => (leave = resolve))
    let stopping = false
    const off = onSignals(signals, (verb) => {
      if (verb === 'stop') {
        if (stopping) process.exit(1)
        stopping = true
        leave()
      } else if (verb === 'reload') {
        scheduler.reload().then(
          () => log.info('schedule read again'),
          (error: unknown) => log.error(`the schedule stays as it was: ${withCode(error)}`),
        )
      } else {
        for (const { entry, nextMs } of scheduler.entries) {
          log.info(`${entry.name}: ${entry.timingText}`, {
            next: nextMs === undefined ? 'never' : new Date(nextMs).toISOString(),
          })
        }
      }
    })
    try {
      await startAll(metrics)
      // A signal may come while it still waits for Redis.
      const started = scheduler
        .start()
        .then(() => startPatiently(helpers, () => stopping))
        .then(() => log.info('scheduler started', { owner: scheduler.owner.id }))
      await Promise.race([started, left])
      await left
    } finally {
      await stopAll([...metrics, ...helpers])
      await scheduler.stop()
      off()
    }
  },
})

/** Starts services as soon as Redis is there: a scheduler waits for it, as a worker does (promise 6). */
async function startPatiently(services: readonly Service[], isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    try {
      return await startAll(services, isOver)
    } catch (error) {
      if (!hasCode(error, 'ERR_REDIS')) throw error
      await systemClock.sleep(1000)
    }
  }
}
