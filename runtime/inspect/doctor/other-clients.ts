import { clipList } from '../../../config/clip.ts'
import { selectQueues } from '../../store/queues/queue-list.ts'
import { zonesDiffer } from '../../store/limits/locks.ts'
import { lockPrefixOf, type InspectContext } from '../context.ts'
import { note, type Finding } from './finding.ts'

/** The scheduler of node-resque that leads beside the holder of the lock. */
export async function nodeSchedulerFindings({ store }: Pick<InspectContext, 'store'>): Promise<Finding[]> {
  const owner = await store.health.nodeLeader()
  if (owner === undefined) return []
  return [
    note(
      `scheduler ${owner} of node-resque leads by a lock of its own (resque_scheduler_leader_lock), which excludes no other scheduler: it moves delayed jobs too, and fires no entries`,
      'run one kind of scheduler only',
    ),
  ]
}

/** What schedulers and workers that share this Redis do differently from those of this runtime. */
export async function otherClientFindings(place: InspectContext): Promise<Finding[]> {
  return [...(await zoneFindings(place)), ...(await firedAnyway(place)), ...(await takenAnyway(place))]
}

async function zoneFindings({ store }: InspectContext): Promise<Finding[]> {
  const zones = [...new Set((await store.health.schedulers()).map(({ zone }) => zone))].sort()
  return zones.length > 1 ? [note(zonesDiffer(zones.join(', ')), 'zone: Europe/Berlin, or another, in each entry')] : []
}

/** Ruby's scheduler knows neither `pause` nor `disable`. */
async function firedAnyway({ store, config }: InspectContext): Promise<Finding[]> {
  const leader = await store.health.leader(lockPrefixOf({ store, config }))
  if (!leader || (await store.health.schedulers()).some(({ owner }) => owner === leader.owner)) return []
  const shared = await store.schedules.shared()
  const states = await Promise.all(shared.map((name) => store.schedules.find(name)))
  const off = shared.filter((_, i) => states[i]?.paused || states[i]?.enabled === false)
  if (off.length === 0) return []
  return [
    note(
      `scheduler ${leader.owner} leads and is not of this runtime: it fires entries that are paused or disabled here (${clipList(off, 5)})`,
      'stop it, so that one of this runtime leads; or remove the entries with removeSchedule',
    ),
  ]
}

/** Ruby's workers know no paused queues. */
async function takenAnyway({ store }: InspectContext): Promise<Finding[]> {
  const paused = await store.queues.paused()
  if (paused.length === 0) return []
  const [workers, supervisors] = await Promise.all([store.workers.list(), store.supervisors.list()])
  const ours = new Set(supervisors.flatMap(({ slots }) => slots))
  return workers
    .filter(({ id }) => !ours.has(id))
    .flatMap(({ id, queues }) => {
      const taken = selectQueues(queues, paused).filter((queue) => paused.includes(queue))
      if (taken.length === 0) return []
      const what = `worker ${id} is not of this runtime: it takes jobs from queues that are paused here (${clipList(taken, 5)})`
      return [note(what, 'stop that worker, or set pause-all-workers to true, which both kinds obey')]
    })
}
