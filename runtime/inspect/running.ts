import { hostname } from 'node:os'
import pidusage from 'pidusage'
import { decodeItem } from '../core/codec.ts'
import type { JobRecord } from '../store/queues/jobs.ts'
import type { SupervisorInfo } from '../store/workers/supervisors.ts'
import type { Store } from '../store/store.ts'
import { stepClass } from '../workflow/run/steps.ts'

/** A supervisor and the jobs that it has in hand. */
export interface RunningSupervisor extends SupervisorInfo {
  /** How many jobs it has in hand; `jobs` may be a part of them. */
  busy: number
  jobs: RunningJob[]
}

/** A job in a supervisor's hands: the fields of its record, if it still has one. */
export type RunningJob = Partial<JobRecord> & { id: string; class: string | undefined }

/** What a job's process uses; undefined where it runs on another machine, or has ended. */
export interface Usage {
  /** Of one processor, since the last look. */
  cpuPercent: number
  rssBytes: number
}

/** pidusage keeps what it saw of a process for so long. */
const forgottenAfterMs = 10_000

/**
 * All supervisors with the jobs that they have in hand, lapsed ones included.
 * @param mostJobs read of all supervisors together
 */
export async function runningSupervisors(
  { store }: { store: Store },
  mostJobs = Infinity,
): Promise<RunningSupervisor[]> {
  const supervisors: RunningSupervisor[] = []
  let left = mostJobs
  for (const info of await store.supervisors.list()) {
    const held = [...(await store.supervisors.inflight(info.id)).keys()]
    const jobs = await Promise.all(held.slice(0, left).map((id) => runningJob(store, id)))
    left -= jobs.length
    supervisors.push({ ...info, busy: held.length, jobs })
  }
  return supervisors
}

async function runningJob(store: Store, id: string): Promise<RunningJob> {
  const record: Partial<JobRecord> = (await store.jobs.find(id)) ?? {}
  return { ...record, id, class: jobClass(record) }
}

/** The class of a job, also of one that Ruby enqueued, whose record has none; of a step, the class of the job that it runs. */
export function jobClass({ class: own, item }: Partial<JobRecord>): string | undefined {
  if (own !== undefined && own !== stepClass) return own
  const read = decodeItem(item ?? '')
  if ('reason' in read) return own
  if (read.className !== stepClass) return read.className
  const [, , className] = JSON.parse(read.args) as unknown[]
  return typeof className === 'string' ? className : own
}

/** CPU and memory of the jobs that run on this machine, by job ID. The first look at a process gives its average CPU share. */
export async function usageHere(supervisors: readonly RunningSupervisor[]): Promise<Map<string, Usage>> {
  const here = supervisors.filter(({ about }) => about['host'] === hostname()).flatMap(({ jobs }) => jobs)
  const pids = new Map(here.flatMap(({ id, pid }) => (pid === undefined ? [] : [[Number(pid), id] as const])))
  if (pids.size === 0) return new Map()
  const stats = await pidusage([...pids.keys()], { maxage: forgottenAfterMs }).catch(() => ({}))
  return new Map(
    Object.entries(stats).flatMap(([pid, stat]) => {
      const id = pids.get(Number(pid))
      const { cpu, memory } = (stat ?? {}) as { cpu?: number; memory?: number }
      return id === undefined || cpu === undefined ? [] : [[id, { cpuPercent: cpu, rssBytes: memory ?? 0 }] as const]
    }),
  )
}
