import { jsonObject } from '../core/json-text.ts'
import { decodeItem } from '../core/codec.ts'
import type { JobRecord } from '../store/queues/jobs.ts'
import type { SupervisorInfo } from '../store/workers/supervisors.ts'
import type { Store } from '../store/store.ts'
import type { ZygoteFigures } from '../messages.ts'
import { stepClass } from '../workflow/run/steps.ts'

/** A supervisor and the jobs that it has in hand. */
export interface RunningSupervisor extends SupervisorInfo {
  /** How many jobs it has in hand; `jobs` may be a part of them. */
  busy: number
  jobs: RunningJob[]
}

/** A job in a supervisor's hands: the fields of its record, if it still has one. */
export type RunningJob = Partial<JobRecord> & { id: string; class: string | undefined }

/** What the processes of a job use. */
export interface Usage {
  /** Of one processor, since the look before. */
  cpuPercent: number
  rssBytes: number
}

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

/** CPU and memory of running jobs by job ID, as their workers have measured them; a job that has just begun has none yet. */
export function usageOf(supervisors: readonly SupervisorInfo[]): Map<string, Usage> {
  return new Map(
    supervisors.flatMap(({ about }) =>
      Object.entries(figures(about['usage'])).flatMap(([id, pair]) => {
        const [cpuPercent, rssBytes] = Array.isArray(pair) ? (pair as unknown[]) : []
        return typeof cpuPercent === 'number' && typeof rssBytes === 'number'
          ? [[id, { cpuPercent, rssBytes }] as const]
          : []
      }),
    ),
  )
}

/** The process that a worker forks its jobs from; undefined where it forks none, or has not written its figures yet. */
export function zygoteOf({ about }: SupervisorInfo): (ZygoteFigures & { rssBytes: number | undefined }) | undefined {
  const read = figures(about['zygote'])
  const number = (name: string): number => (typeof read[name] === 'number' ? read[name] : 0)
  if (number('pid') === 0) return undefined
  return {
    ...{ pid: number('pid'), startedAtMs: number('startedAtMs'), generation: number('generation') },
    ...{ restarts: number('restarts'), forked: number('forked'), rssBytes: number('rssBytes') || undefined },
  }
}

/** What lies in Redis may be anything. */
const figures = (json = ''): Record<string, unknown> => ({ ...jsonObject(json) })
