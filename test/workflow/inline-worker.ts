import { systemClock } from '../../runtime/core/clock.ts'
import { silentLogger } from '../../runtime/core/logger.ts'
import type { Store } from '../../runtime/store/store.ts'
import { InlineLauncher } from '../../runtime/worker/launchers/inline.ts'
import { Supervisor } from '../../runtime/worker/supervisor.ts'
import { Steps } from '../../runtime/workflow/run/steps.ts'
import { testStore } from '../support/store.ts'
import { ROOT } from '../support/process.ts'
import type { TestRedis } from '../support/redis.ts'

// Runs with the TypeScript loader: the jobs of this worker run in the test's own process, from source.
/** The application of the workflow tests. */
export const flowsApp = { root: `${ROOT}test/fixtures/apps/flows`, paths: ['src/jobs'] }

/** A real supervisor in this process, whose jobs run in it, too. It closes a store that is given. Call the returned function to end it. */
export async function startInlineWorker(
  redis: TestRedis | Store,
  concurrency = 2,
  limits: { maxOutputBytes?: number; maxPayloadsBytes?: number } = {},
  app = flowsApp,
  launcher = new InlineLauncher(app),
): Promise<() => Promise<void>> {
  const store = 'connection' in redis ? redis : testStore(redis)
  const bounds = {
    failedMax: 100,
    recordTtlMs: 60_000,
    attemptsKept: 5,
    backtraceLines: 20,
    maxResultBytes: 1024 ** 2,
    logLines: 20,
    logLineBytes: 1000,
  }
  const supervisor = new Supervisor({
    store,
    clock: systemClock,
    log: silentLogger,
    launcher,
    steps: new Steps(store.runs, systemClock, { maxOutputBytes: 1024 ** 2, maxPayloadsBytes: 1024 ** 2, ...limits }),
    queues: ['*'],
    concurrency,
    heartbeatMs: 1000,
    leaseMs: 10_000,
    maxRedeliveries: 3,
    pollMs: 50,
    heapSnapshots: '/nonexistent',
    termTimeoutMs: 1000,
    preShutdownTimeoutMs: 0,
    shutdownTimeoutMs: 0,
    gracefulTerm: false,
    drain: false,
    limits: bounds,
  })
  await supervisor.start()
  return async () => {
    await supervisor.stop()
    store.close()
  }
}
