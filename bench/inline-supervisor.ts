import { systemClock } from '../runtime/core/clock.ts'
import { silentLogger } from '../runtime/core/logger.ts'
import { Registry } from '../runtime/jobs/registry.ts'
import type { Store } from '../runtime/store/store.ts'
import { InlineLauncher } from '../runtime/worker/launchers/inline.ts'
import { Supervisor } from '../runtime/worker/supervisor.ts'
import { Steps } from '../runtime/workflow/run/steps.ts'

/** A whole supervisor in this process, whose jobs run in it, too. */
export function inlineSupervisor(
  store: Store,
  classes: Record<string, unknown>,
  queue: string,
  concurrency: number,
): Supervisor {
  const registry = new Registry()
  registry.addModule(classes, 'bench')
  return new Supervisor({
    store,
    clock: systemClock,
    log: silentLogger,
    launcher: new InlineLauncher({ root: '.', paths: [] }, { registry, hooks: {} }),
    steps: new Steps(store.runs, systemClock, { maxOutputBytes: 1e6, maxPayloadsBytes: 1e9 }),
    queues: [queue],
    concurrency,
    heartbeatMs: 5000,
    leaseMs: 30_000,
    maxRedeliveries: 3,
    pollMs: 1000,
    heapSnapshots: '/nonexistent',
    termTimeoutMs: 1000,
    preShutdownTimeoutMs: 0,
    shutdownTimeoutMs: 0,
    gracefulTerm: false,
    drain: false,
    limits: {
      failedMax: 100,
      recordTtlMs: 60_000,
      attemptsKept: 5,
      backtraceLines: 20,
      maxResultBytes: 1e6,
      logLines: 20,
      logLineBytes: 1000,
    },
  })
}
