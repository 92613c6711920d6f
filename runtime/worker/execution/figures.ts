import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import { Loop, type Service } from '../../core/service.ts'
import type { Store } from '../../store/store.ts'
import type { Launcher } from '../launchers/launcher.ts'
import type { JobRun } from './job-run.ts'
import { treeUsage } from './memory-watch.ts'

/** How often running jobs are measured. One that has not run for so long costs nothing. */
const everyMs = 2000
/** Jobs that are measured at a time: the record of a worker stays small. */
const mostJobs = 100
/** The figures of the zygote change with every job: where no job is measured they are written at every so many looks. */
const zygoteEvery = 15

/** What {@link Figures} needs. */
export interface FiguresOptions {
  store: Store
  clock: Clock
  log: Logger
  supervisorId: () => string | undefined
  jobs: () => readonly JobRun[]
  launcher: Launcher
}

/** Writes what running jobs and the zygote use to the supervisor's record, for people: one command a look, none for a job. */
export class Figures implements Service {
  readonly name = 'figures'
  readonly #options: FiguresOptions
  readonly #loop: Loop
  #before = new Map<string, number>()
  #looks = 0
  #written = ''

  constructor(options: FiguresOptions) {
    this.#options = options
    const { clock, log } = options
    this.#loop = new Loop({ name: this.name, clock, log, intervalMs: everyMs, tick: () => this.#look() })
  }

  start(): Promise<void> {
    return this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  async #look(): Promise<undefined> {
    const { store, supervisorId, jobs, launcher } = this.#options
    const now = new Map(jobs().flatMap(({ job, pid }) => (pid === undefined ? [] : [[job.id, pid] as const])))
    const long = [...now].filter(([id, pid]) => this.#before.get(id) === pid).slice(0, mostJobs)
    this.#before = now
    const id = supervisorId()
    if (id === undefined || (long.length === 0 && this.#written === '{}' && this.#looks++ % zygoteEvery !== 0)) return
    const measured = await Promise.all(long.map(async ([job, pid]) => [job, await usageOf(pid)] as const))
    const usage = JSON.stringify(Object.fromEntries(measured))
    const { zygote } = launcher
    const rssBytes = zygote && (await usageOf(zygote.pid))?.[1]
    await store.supervisors.describe(id, { usage, ...(zygote && { zygote: JSON.stringify({ ...zygote, rssBytes }) }) })
    this.#written = usage
  }
}

/** Of a process and all below it; undefined when it has gone. */
async function usageOf(pid: number): Promise<[cpuPercent: number, rssBytes: number] | undefined> {
  const all = [...(await treeUsage(pid)).values()]
  if (all.length === 0) return undefined
  const sum = (of: 'cpu' | 'memory'): number => Math.round(all.reduce((total, each) => total + each[of], 0))
  return [sum('cpu'), sum('memory')]
}
