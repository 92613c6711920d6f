import { hostname } from 'node:os'
import { machine } from '../../config/machine.ts'
import type { Clock } from '../core/clock.ts'
import { RuntimeError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { Loop, type Service } from '../core/service.ts'
import type { Store } from '../store/store.ts'
import { MaintenanceLock } from '../store/workers/maintenance-lock.ts'
import { RetryMover } from './reserve/retry-mover.ts'
import type { JobOutput, Launcher } from './launchers/launcher.ts'
import type { ClassManifest, JobEnd, HookCall } from '../messages.ts'
import type { KeepLimits } from './outcome/settler.ts'
import type { StepSource } from './execution/step-source.ts'

/** What a supervisor needs. */
export interface SupervisorOptions {
  /** What people call this worker. */
  name?: string | undefined
  store: Store
  clock: Clock
  log: Logger
  launcher: Launcher
  /** Makes a launcher for a class that asks for another isolation. */
  otherLauncher?: (isolation: NonNullable<ClassManifest['isolation']>) => Launcher
  steps?: StepSource
  queues: readonly string[]
  /** Empty: the order of `queues` is their priority. */
  weights?: Readonly<Record<string, number>>
  concurrency: number
  /** Takes short jobs before a slot is free for them: for processes that run several jobs, and jobs in this process. */
  takesAhead?: boolean
  /** Of jobs whose class and call have no timeout; absent: none. */
  timeoutMs?: number
  /** Jobs wait for a debugger, so no timeout applies. */
  inspectJobs?: boolean
  heartbeatMs: number
  leaseMs: number
  maxRedeliveries: number
  pollMs: number
  termTimeoutMs: number
  /** What becomes of what jobs print; `both` by default. */
  jobOutput?: JobOutput
  /** Where heap snapshots are written, absolute. */
  heapSnapshots: string
  /** TERM lets jobs run on for this long before they are asked to stop. */
  preShutdownTimeoutMs: number
  /** QUIT waits this long for running jobs, then does what TERM does; 0 waits for ever. */
  shutdownTimeoutMs: number
  /** TERM means what QUIT means. */
  gracefulTerm: boolean
  /** Leave when the queues are empty. */
  drain: boolean
  limits: KeepLimits & { logLines: number; logLineBytes: number; maxResultBytes: number }
  /** Called with each end of a job that was recorded; must not throw. */
  onEnd?: (end: JobEnd) => void
}

/** How often runs that have something left to do are looked for: a process that leaves some goes on with it itself, unless it dies. */
const RUNS_MS = 10_000
/** Every so many of these looks, runs whose time to live is over are removed. */
const SWEEP_EVERY = 3

/**
 * What one supervisor does for all: due jobs move, whatever a crash has left half done in a run goes on, and ended runs are
 * removed. They start and stop in this order, the lock last and first.
 */
export function maintenanceOf({ steps, store, clock, log, limits }: SupervisorOptions): {
  services: Service[]
  lock: MaintenanceLock
} {
  const lock = new MaintenanceLock({ name: 'upkeep', connection: store.connection, clock, log })
  const moveLimits = { ttlMs: limits.recordTtlMs, failedMax: limits.failedMax }
  const services: Service[] = [new RetryMover({ store, clock, log, lock, limits: moveLimits })]
  if (steps) {
    let looks = 0
    const tick = async (): Promise<undefined> => {
      if (!lock.isHeld) return
      await steps.advance()
      if (looks++ % SWEEP_EVERY === 0) await steps.sweep()
    }
    const loop = new Loop({ name: 'workflows', clock, log, intervalMs: RUNS_MS, tick })
    lock.onChange(() => loop.wake())
    services.push(loop)
  }
  return { services: [...services, lock], lock }
}

/** A queue list that names no queue is a mistake (Resque's NoQueueError). @throws RuntimeError ERR_USAGE */
export function checkQueues(queues: readonly string[]): void {
  if (queues.some((queue) => !queue.startsWith('!') && queue.trim() !== '')) return
  throw new RuntimeError(
    'ERR_USAGE',
    `queues: expected a list such as high,low or *, got ${JSON.stringify(queues.join(','))}`,
  )
}

/** What the hook `onLeaseLost` is called with. @param id of the lease @param jobs that are ended here */
export function leaseLostCall({ name, queues }: SupervisorOptions, id: string, jobs: ReadonlySet<string>): HookCall {
  const about = { host: hostname(), pid: process.pid, queues: [...queues], jobs: [...jobs] }
  return { hook: 'onLeaseLost', worker: { id, ...(name === undefined ? {} : { name }), ...about } }
}

/** What a supervisor says of itself in Redis. */
export function describeSupervisor({ name, queues, concurrency, clock }: SupervisorOptions): Record<string, string> {
  return {
    ...(name === undefined ? {} : { name }),
    host: hostname(),
    pid: String(process.pid),
    node: machine.node(),
    queues: queues.join(','),
    concurrency: String(concurrency),
    started_at: String(clock.now()),
  }
}
