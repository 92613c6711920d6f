import { systemClock } from '../../runtime/core/clock.ts'
import { InlineLauncher } from '../../runtime/worker/launchers/inline.ts'
import type { Launcher } from '../../runtime/worker/launchers/launcher.ts'
import { SpawnLauncher } from '../../runtime/worker/launchers/spawn.ts'
import { workerSignals } from '../../runtime/worker/signals.ts'
import { Steps } from '../../runtime/workflow/steps.ts'
import { checkQueues, Supervisor, type SupervisorOptions } from '../../runtime/worker/supervisor.ts'
import { command } from '../command.ts'
import { loadAppHere, type Context } from '../context.ts'
import { onSignals } from '../run-service.ts'

interface WorkFlags {
  queues?: string
  concurrency?: number
  isolation?: 'fork' | 'spawn' | 'inline'
  drain?: boolean
}

/** `runtime work`: the long-lived supervisor. */
export const workCommand = command<WorkFlags>({
  command: 'work',
  describe: 'Take jobs from queues and run each in a process of its own',
  example: ['work --queues high,gush --concurrency 4', 'high before gush, four jobs at a time'],
  flags: (yargs) =>
    yargs
      .option('queues', { type: 'string', describe: 'Queues in order of priority; *, globs and !name as in Resque' })
      .option('concurrency', { type: 'number', describe: 'Jobs at a time' })
      .option('isolation', { choices: ['fork', 'spawn', 'inline'] as const, describe: 'How a job gets its process' })
      .option('drain', { type: 'boolean', describe: 'Leave when the queues are empty' }),
  settings: ({ queues, concurrency, isolation, drain }) => ({ worker: { queues, concurrency, isolation, drain } }),
  run: async (context) => {
    const supervisor = new Supervisor(await supervisorOptions(context))
    const off = onSignals(workerSignals, (verb) => supervisor.obey(verb))
    try {
      await supervisor.start()
      await supervisor.left
    } finally {
      off()
    }
  },
})

/** A supervisor of this configuration. @throws RuntimeError ERR_USAGE when no queue is named */
export async function supervisorOptions(context: Context): Promise<SupervisorOptions> {
  const { config, store, log } = context
  checkQueues(config.worker.queues)
  const kind = config.worker.isolation === 'auto' ? 'spawn' : config.worker.isolation
  return {
    ...config.worker,
    store,
    clock: systemClock,
    log,
    limits: config.limits,
    steps: stepsOf(context),
    launcher: await makeLauncher(kind, context),
    otherLauncher: (isolation) => spawnLauncher(context, isolation),
  }
}

async function makeLauncher(kind: 'fork' | 'spawn' | 'inline', context: Context): Promise<Launcher> {
  if (kind === 'inline') return new InlineLauncher(context.source, await loadAppHere(context.source))
  return spawnLauncher(context, kind)
}

function spawnLauncher({ source, log, config }: Context, _kind: string): Launcher {
  const { concurrency, bootTimeoutMs } = config.worker
  return new SpawnLauncher({ source, log, spares: concurrency, bootTimeoutMs })
}

/** All outputs that one step is given, together; a report after a hundred thousand rows gets a few megabytes. */
const maxPayloadsBytes = 32 * 1024 ** 2

/** What makes workflow steps ready for a supervisor. */
export function stepsOf({ store, config }: Context): Steps {
  return new Steps(store.runs, systemClock, { maxOutputBytes: config.limits.maxPayloadBytes, maxPayloadsBytes })
}
