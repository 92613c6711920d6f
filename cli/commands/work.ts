import { SECRET_VARIABLES } from '../../config/environment.ts'
import { machine } from '../../config/machine.ts'
import { ISOLATIONS, type Isolation } from '../../config/isolations.ts'
import type { Config } from '../../config/schema.ts'
import { systemClock } from '../../runtime/core/clock.ts'
import { startAll, stopAll } from '../../runtime/core/service.ts'
import type { JobEnd } from '../../runtime/messages.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { type Refusal, refusePlatform } from '../../runtime/worker/launchers/fork/zygote/core/preflight-platform.ts'
import { nameVariable } from '../../runtime/worker/titles.ts'
import { workerSignals } from '../../runtime/worker/signals.ts'
import { Steps } from '../../runtime/workflow/run/steps.ts'
import { checkQueues, Supervisor, type SupervisorOptions } from '../../runtime/worker/supervisor.ts'
import { makeArchiver } from '../services.ts'
import { command } from '../command.ts'
import { type Context, loadAppHere } from '../context.ts'
import { logFileFlag, openServiceLog } from '../log.ts'
import { makeMetricsServer, makeTally } from '../metrics.ts'
import { checkPidfile, readPidfile, writePidfile } from '../pidfile.ts'
import { onSignals } from '../signals.ts'
import { ForkLauncher } from '../../runtime/worker/launchers/fork/fork.ts'
import { InlineLauncher } from '../../runtime/worker/launchers/inline.ts'
import { type Launcher, NOWHERE } from '../../runtime/worker/launchers/launcher.ts'
import { SpawnLauncher } from '../../runtime/worker/launchers/spawn/spawn.ts'
import { execFile } from 'node:child_process'

interface WorkFlags {
  name?: string
  queues?: string
  concurrency?: string
  isolation?: Isolation
  jobsPerChild?: string
  inspectJobs?: boolean
  drain?: boolean
  weights?: string
  pidfile?: string
  replace?: string
}

/** `runtime work`: the long-lived supervisor. */
export const workCommand = command<WorkFlags>({
  example: ['work --queues high,gush --concurrency 4', 'high has priority over gush; four jobs run at the same time'],
  flags: (yargs) =>
    yargs
      .options(logFileFlag)
      .option('name', { type: 'string', describe: 'Name of this worker in ps, workers, log lines and process titles' })
      .option('queues', { type: 'string', describe: 'Queues in order of priority; *, globs and !name as in Resque' })
      .option('weights', {
        type: 'string',
        describe: 'Choose the first queue at random in this proportion: high=3,low=1',
      })
      .option('concurrency', {
        type: 'string',
        describe: 'Number of jobs that run at the same time; auto: one per processor of the container or machine',
      })
      .option('isolation', { choices: ISOLATIONS, describe: 'How job processes are created' })
      .option('jobs-per-child', {
        type: 'string',
        describe: 'Number of jobs that one job process runs, one after another; default 1',
      })
      .option('inspect-jobs', {
        type: 'boolean',
        describe: 'Each job waits until a debugger is attached to its process',
      })
      .option('drain', { type: 'boolean', describe: 'Exit when the queues are empty' })
      .option('pidfile', { type: 'string', describe: 'Write the process ID to this file' })
      .option('replace', {
        type: 'string',
        describe:
          'Replace the worker of this pid file: when the new worker is running, the old one finishes its jobs and exits',
      })
      .conflicts('pidfile', 'replace'),
  log: (config) => openServiceLog(config, config.worker.name),
  settings: ({ name, queues, weights, concurrency, isolation, jobsPerChild, inspectJobs, drain }) => ({
    worker: { name, queues, weights, concurrency, isolation, jobsPerChild, inspectJobs, drain },
  }),
  run: async (context, { pidfile, replace }) => {
    // The launchers hand their own environment on.
    if (context.config.worker.name !== undefined) process.env[nameVariable] = context.config.worker.name
    if (context.config.worker.hideSecrets) for (const name of SECRET_VARIABLES) delete process.env[name]
    if (replace !== undefined && machine.os() === 'win32')
      throw new RuntimeError(
        'ERR_USAGE',
        '--replace: expected a system with SIGQUIT, this is Windows; stop the old worker first',
      )
    const file = pidfile ?? replace
    if (file !== undefined) checkPidfile(file)
    let fallback: string | undefined
    const tally = makeTally(context)
    const metrics = await makeMetricsServer(context, {
      kind: 'worker',
      facts: () => ({ total: context.config.worker.concurrency, busy: supervisor.running.length, fallback }),
      notReady: () =>
        supervisor.ready ? undefined : 'the application is being loaded, the lease is lost, or the worker leaves',
      isExporter: () => false,
    })
    const supervisor = await makeSupervisor(context, {
      onEnd: (end) => {
        tally.onEnd(end)
        metrics.onEnd(end)
      },
      onFallback: ({ reason }) => (fallback = reason),
    })
    const helpers = [tally.service, makeArchiver(context)]
    if (replace !== undefined) readPidfile(replace) // what is no pid file stops the start, not the take-over
    let removePidfile = (): void => undefined
    let stopWatchdog = (): void => undefined
    const onWorking = (): void => {
      const old = replace === undefined ? undefined : readPidfile(replace)
      if (old !== undefined) {
        context.log.info(`worker ${old} gets SIGQUIT: it finishes its jobs and exits`)
        process.kill(old, 'SIGQUIT')
      } else if (replace !== undefined) context.log.info(`no worker to replace: none that runs wrote ${replace}`)
      if (file !== undefined) removePidfile = writePidfile(file)
      tellServiceManager('READY=1')
      stopWatchdog = startWatchdog()
    }
    const off = onSignals(workerSignals, (verb) => supervisor.handleControl(verb))
    try {
      await startAll(metrics.services)
      // A signal may come while it still waits for Redis.
      const started = supervisor.start().then(() => {
        onWorking()
        return startAll(helpers)
      })
      await Promise.race([started, supervisor.left])
      await supervisor.left
    } finally {
      stopWatchdog()
      removePidfile()
      await stopAll([...metrics.services, ...helpers])
      off()
      // What a job in this very process left behind (a timer, a socket) does not keep it.
      setTimeout(() => process.exit(), 500).unref()
    }
  },
})

/** Who else hears of what a supervisor does. */
interface Watchers {
  onEnd?: (end: JobEnd) => void
  onFallback?: (refusal: Refusal) => void
}

/** A supervisor of this configuration. @throws RuntimeError ERR_USAGE when no queue is named */
export async function makeSupervisor(context: Context, { onEnd, onFallback }: Watchers = {}): Promise<Supervisor> {
  // The launcher may give up forking before or after the supervisor is there; `runtime doctor` shows what it says.
  const made: { supervisor?: Supervisor } = {}
  const options = await supervisorOptions(context, (refusal) => {
    onFallback?.(refusal)
    void made.supervisor?.describe({ fallback: refusal.reason, cure: refusal.cure })
  })
  made.supervisor = new Supervisor({ ...options, ...(onEnd ? { onEnd } : {}) })
  return made.supervisor
}

async function supervisorOptions(context: Context, onFallback: (refusal: Refusal) => void): Promise<SupervisorOptions> {
  const { config, store, log } = context
  checkQueues(config.worker.queues)
  return {
    ...config.worker,
    takesAhead: config.worker.jobsPerChild > 1 || config.worker.isolation === 'inline',
    ...(config.jobs.timeout === undefined ? {} : { timeoutMs: config.jobs.timeout }),
    store,
    clock: systemClock,
    log,
    limits: config.limits,
    steps: stepsOf(context),
    launcher: await makeLauncher(context, onFallback),
    otherLauncher: (isolation) => otherLauncher(isolation, context, onFallback),
  }
}

/** All outputs that one step is given, together; a report after a hundred thousand rows gets a few megabytes. */
const maxPayloadsBytes = 32 * 1024 ** 2

/** What makes workflow steps ready for a supervisor. */
export function stepsOf({ store, config }: Context): Steps {
  return new Steps(store.runs, systemClock, { maxOutputBytes: config.limits.maxResultBytes, maxPayloadsBytes })
}

type OnFallback = (refusal: Refusal) => void

/**
 * The launcher that a configuration asks for. `auto` forks where the platform can, and says nothing of it where it
 * cannot; an application that must not be forked is told by `onFallback`, and spawned.
 */
async function makeLauncher(context: Context, onFallback: OnFallback): Promise<Launcher> {
  const { isolation, inspectJobs } = context.config.worker
  if (inspectJobs) return spawnLauncher(context)
  if (isolation === 'inline') return new InlineLauncher(context.source, await loadAppHere(context.source))
  return otherLauncher(isolation, context, onFallback)
}

/** A launcher for classes that ask for another isolation than the worker's; `inline` has its process of its own here. */
function otherLauncher(isolation: Config['worker']['isolation'], context: Context, onFallback: OnFallback): Launcher {
  if (
    context.config.worker.inspectJobs ||
    isolation === 'spawn' ||
    isolation === 'inline' ||
    (isolation === 'auto' && refusePlatform())
  )
    return spawnLauncher(context)
  const { source, log, config } = context
  const { bootTimeoutMs, concurrency, jobsPerChild } = config.worker
  return new ForkLauncher({
    source,
    log,
    bootTimeoutMs,
    spares: concurrency,
    jobsPerChild,
    ...shownOutput(context),
    onFallback,
    fallback: (spares) => spawnLauncher(context, spares),
  })
}

function spawnLauncher(context: Context, spares = context.config.worker.concurrency): SpawnLauncher {
  const { source, log, config } = context
  const { bootTimeoutMs, jobsPerChild } = config.worker
  return new SpawnLauncher({ source, log, spares, bootTimeoutMs, jobsPerChild, ...shownOutput(context) })
}

const shownOutput = ({ config }: Context): { passOutput?: typeof NOWHERE } =>
  config.worker.jobOutput === 'capture' && !config.worker.inspectJobs ? { passOutput: NOWHERE } : {}

/**
 * Tells systemd how a `Type=notify` service fares, through its own `systemd-notify` (Node has no datagram sockets of that
 * kind); nothing where no service manager asks. Units: examples/deploy.
 * @param state such as `READY=1`
 */
function tellServiceManager(state: string): void {
  if (process.env['NOTIFY_SOCKET'] === undefined) return
  // The note's sender is not this process: the unit needs NotifyAccess=all, and MAINPID says who is meant.
  execFile('systemd-notify', [`--pid=${process.pid}`, state], () => undefined)
}

/**
 * Beats for systemd's watchdog (`WatchdogSec=`), at half its time, from the same event loop that beats for the lease: a
 * supervisor that hangs is restarted. @returns a function that stops the beats
 */
function startWatchdog(): () => void {
  const everyMs = Number(process.env['WATCHDOG_USEC'] ?? 0) / 2000
  if (!(everyMs > 0)) return () => undefined
  const timer = setInterval(() => tellServiceManager('WATCHDOG=1'), everyMs)
  return () => clearInterval(timer)
}
