import type { JobRecord } from '../../store/queues/jobs.ts'
import { lockPrefixOf, redisClock, type InspectContext } from '../context.ts'
import { servingWorkers } from '../queues.ts'
import { bad, note, type Finding } from './finding.ts'

/** Queues of a run that are looked at. */
const queuesLooked = 5

/** Why no worker takes a job from one of these queues, and what to do; empty where one takes from each. */
export async function queueStandstill(queues: readonly string[], { store }: InspectContext): Promise<Finding[]> {
  const [{ nowMs }, paused, pausedAll, workers, supervisors] = await Promise.all([
    redisClock({ store }),
    store.queues.paused(),
    store.health.pausedAll(),
    store.workers.list(),
    store.supervisors.list(),
  ])
  const served = servingWorkers(workers, supervisors, queues, nowMs)
  return [
    ...queues
      .filter((queue) => paused.includes(queue))
      .map((queue) => note(`queue ${queue} is paused`, `runtime queues resume ${queue}`)),
    ...(pausedAll ? [note('all workers are paused by the key pause-all-workers', 'runtime queues resume --all')] : []),
    ...queues
      .filter((queue) => !served.has(queue))
      .map((queue) => bad(`no worker takes from queue ${queue}`, `runtime work --queues ${queue}`)),
  ]
}

/** Why no process moves a delayed job to its queue when it is due, and what to do; empty where one does. */
export async function delayedStandstill(
  { second, queue }: Partial<JobRecord>,
  { store, config }: InspectContext,
): Promise<Finding[]> {
  const [leader, nodeLeader] = await Promise.all([
    store.health.leader(lockPrefixOf({ store, config })),
    store.health.nodeLeader(),
  ])
  if (leader || nodeLeader !== undefined) return []
  if (second !== undefined)
    return [bad('no scheduler leads, and only a scheduler moves this job to its queue', 'runtime scheduler')]
  const [{ nowMs }, supervisors] = await Promise.all([redisClock({ store }), store.supervisors.list()])
  if (supervisors.some(({ leaseEndsAtMs }) => leaseEndsAtMs > nowMs)) return []
  return [
    bad(
      'no worker or scheduler runs, and one of them must move this job to its queue',
      `runtime work --queues ${queue}`,
    ),
  ]
}

/** Why a job that waits or is delayed does not start, and what to do; empty where it will. */
export async function jobStandstill(id: string, place: InspectContext): Promise<Finding[]> {
  const record = await place.store.jobs.find(id)
  if (record?.state === 'waiting') return queueStandstill([record.queue], place)
  return record?.state === 'delayed' ? delayedStandstill(record, place) : []
}

/** Why queued or delayed steps of a run do not start, and what to do; empty where they will. */
export async function runStandstill(id: string, place: InspectContext): Promise<Finding[]> {
  const { read } = place.store.runs
  const run = await read.find(id)
  const { queued = 0, delayed = 0 } = run?.counts ?? {}
  if (run?.status !== 'running' || queued + delayed === 0) return []
  const [kinds, tally] = await Promise.all([read.kinds(id), read.tally(id)])
  const waiting = kinds.filter((kind) => (tally.get(kind.class)?.queued ?? 0) > 0)
  const queues = [...new Set(waiting.map(({ queue }) => queue))].slice(0, queuesLooked)
  return [
    ...(queues.length > 0 ? await queueStandstill(queues, place) : []),
    ...(delayed > 0 ? await delayedStandstill({ queue: kinds[0]?.queue ?? '*' }, place) : []),
  ]
}
