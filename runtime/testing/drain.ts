import { systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/logger.ts'
import { defaultClient, defaultConfig } from '../jobs/default-client.ts'
import type { JobDefinition } from '../jobs/job.ts'
import { wireName } from '../jobs/job.ts'
import { Registry } from '../jobs/registry.ts'
import { InlineLauncher } from '../worker/launchers/inline.ts'
import { Supervisor } from '../worker/supervisor.ts'
import { Steps } from '../workflow/run/steps.ts'

/** What a drain did. */
export interface Drained {
  processed: number
  failed: number
}

/**
 * Runs everything that waits in the queues, steps of workflows included, and what those jobs enqueue, in this process; resolves when the queues are
 * empty. Delayed jobs stay where they are. Needs a Redis: the default client's.
 * @param jobs every job that may be met
 */
export async function drain(
  jobs: readonly JobDefinition[],
  { queues = ['*'] }: { queues?: string[] } = {},
): Promise<Drained> {
  const { store } = defaultClient()
  const { worker, limits, root } = defaultConfig()
  const registry = new Registry()
  for (const definition of jobs) registry.add({ name: wireName(definition), kind: 'job', definition, file: 'drain()' })
  const failedBefore = await store.failures.count()
  const supervisor = new Supervisor({
    ...worker,
    store,
    limits,
    queues,
    clock: systemClock,
    log: silentLogger,
    concurrency: 1,
    drain: true,
    steps: new Steps(store.runs, systemClock, {
      maxOutputBytes: limits.maxResultBytes,
      maxPayloadsBytes: 64 * limits.maxPayloadBytes,
    }),
    launcher: new InlineLauncher({ root, paths: [] }, { registry, hooks: {} }),
  })
  await supervisor.start()
  await supervisor.left
  return { processed: supervisor.processed, failed: (await store.failures.count()) - failedBefore }
}
