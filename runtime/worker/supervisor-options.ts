import { hostname } from 'node:os'
import { machine } from '../../config/machine.ts'
import type { Clock } from '../core/clock.ts'
import { RuntimeError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { Loop } from '../core/loop.ts'
import type { Service } from '../core/service.ts'
import type { Store } from '../store/store.ts'
import { Duty } from '../store/workers/duty.ts'
import type { JobOutput, Launcher } from './launchers/launcher.ts'
import type { ClassManifest, JobEnd, Notice } from '../wire.ts'
import type { KeepLimits } from './outcome/settler.ts'
import type { StepSource } from './run/step-source.ts'

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

/** What one supervisor does for all: whatever a crash has left half done in a run goes on, and ended runs are removed. */
export function upkeepOf({ steps, store, clock, log }: SupervisorOptions): {
  services: Service[]
  mine: () => boolean
} {
  if (!steps) return { services: [], mine: () => true }
  const duty = new Duty({ name: 'upkeep', connection: store.connection, clock, log, onChange: () => loop.wake() })
  const turn = async (): Promise<undefined> => {
    if (duty.mine) await steps.tick()
  }
  const loop = new Loop({ name: 'workflows', clock, log, intervalMs: 1000, turn })
  return { services: [loop, duty], mine: () => duty.mine }
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
export function lostNotice({ name, queues }: SupervisorOptions, id: string, jobs: ReadonlySet<string>): Notice {
  const about = { host: hostname(), pid: process.pid, queues: [...queues], jobs: [...jobs] }
  return { hook: 'onLeaseLost', worker: { id, ...(name === undefined ? {} : { name }), ...about } }
}

/** What a supervisor says of itself in Redis. */
export function aboutOf({ name, queues, concurrency, clock }: SupervisorOptions): Record<string, string> {
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
