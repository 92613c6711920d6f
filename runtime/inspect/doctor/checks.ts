import type { Store } from '../../store/store.ts'
import { hasCode } from '../../core/errors.ts'
import { untestedNode } from '../../../config/machine.ts'
import { formatBytes } from '../../core/size.ts'
import { boundOf } from '../../store/key-bounds.ts'
import type { LostSteps } from '../../store/runs/lost-steps.ts'
import type { SupervisorInfo } from '../../store/workers/supervisors.ts'
import { silentForMs } from '../../store/workers/workers.ts'
import { selectQueues } from '../../store/queues/queue-list.ts'
import { lockPrefixOf, type InspectContext } from '../context.ts'
import { clipLine, clipList } from '../../../config/clip.ts'
import { formatDuration, relative } from '../../core/duration.ts'
import { otherClientFindings, nodeSchedulerFindings } from './other-clients.ts'
import { unreadCure } from '../../store/connection/shown.ts'
import { bad, findReadable, fine, note, type Finding } from './finding.ts'
import { redisFindings } from './server.ts'
import { plural } from '../../core/plural.ts'

/** How many of the largest keys are shown. */
const keysShown = 8
/** How many stale unique locks are named. */
const locksShown = 5
/** How many runs under way are looked at, oldest first. */
const runsLooked = 200

/** The whole place: Redis, workers, queues, scheduler, keys. */
export async function runChecks(place: InspectContext): Promise<Finding[]> {
  const findings = (await findReadable(place, look)) ?? []
  // A key of another type may be found twice.
  return [...new Map(findings.map((finding) => [finding.what, finding])).values()]
}

async function look(place: InspectContext): Promise<Finding[]> {
  const sections: [string, (place: InspectContext) => Promise<Finding[]>][] = [
    ['the server', ({ store }) => redisFindings(store)],
    ['the types of keys', typeFindings],
    ['workers', workerFindings],
    ['queues', queueFindings],
    ['runs', runFindings],
    ['schedulers', schedulerFindings],
    ['other schedulers', nodeSchedulerFindings],
    ['other runtimes', otherClientFindings],
    ['the archive', archiveFindings],
    ['the largest keys', keyFindings],
  ]
  const findings: Finding[] = []
  for (const [what, find] of sections)
    findings.push(...(await find(place).catch((error: unknown) => unseen(what, error))))
  return findings
}

/** A section that the user may not see, or a script cannot read, is no reason to say nothing of the others. */
function unseen(what: string, error: unknown): Finding[] {
  const { message } = error as Error
  if (hasCode(error, 'ERR_REPLY')) return [bad(`${what} cannot be read: ${message}`, unreadCure)]
  if (!/NOPERM(?!.*'select')/i.test(message)) throw error
  return [note(`${what} cannot be seen: ${message}`)]
}

/** Redis lets anyone write anything anywhere. */
async function typeFindings({ store }: InspectContext): Promise<Finding[]> {
  return (await store.health.wrongTypes()).map((what) => bad(what, unreadCure))
}

const isOver = (supervisor: SupervisorInfo): boolean => supervisor.leaseEndsAtMs < Date.now()

async function workerFindings({ store }: InspectContext): Promise<Finding[]> {
  const supervisors = await store.supervisors.list()
  const findings: Finding[] = []
  if (supervisors.length === 0) findings.push(note('no worker runs', 'runtime work --queues …'))
  for (const supervisor of supervisors) {
    const { host, pid, queues, launcher, fallback, cure, stacks, node } = supervisor.about
    const held = await store.supervisors.inflight(supervisor.id)
    const who = `worker ${host}:${pid} on ${queues}`
    if (isOver(supervisor))
      findings.push(
        bad(
          `${who}: its lease ran out ${relative(supervisor.leaseEndsAtMs, Date.now())}; ${plural(held.size, 'job')} to requeue`,
          supervisors.every(isOver)
            ? 'start a worker or a scheduler: either requeues them'
            : 'a live worker requeues them within seconds',
        ),
      )
    else
      findings.push(
        fine(
          `${who}: ${held.size} of ${supervisor.slots.length} at work, ${launcher}, lease ends ${relative(supervisor.leaseEndsAtMs, Date.now())}`,
        ),
      )
    if (fallback) findings.push(note(`${who} does not fork: ${fallback}`, cure))
    else if (launcher === 'fork') findings.push(...untestedNode(node).map((warning) => note(`${who}: ${warning}`)))
    if (stacks) findings.push(note(`${who} cannot show the stack of a job that hangs: ${stacks}`))
  }
  findings.push(...(await silentFindings(store, supervisors)))
  if (await store.health.pausedAll())
    findings.push(note('all workers are paused by the key pause-all-workers', 'runtime queues resume --all'))
  return findings
}

/** Workers of Ruby or another runtime that died without a word: only their own kind cleans up after them. */
async function silentFindings(store: Store, ours: readonly SupervisorInfo[]): Promise<Finding[]> {
  const now = Date.now()
  const slots = new Set(ours.flatMap((supervisor) => supervisor.slots))
  return (await store.workers.list()).flatMap((worker) => {
    const silentMs = silentForMs(worker, now)
    if (silentMs === undefined || slots.has(worker.id)) return []
    const job = worker.working === undefined ? 'it had no job' : `its job is ${clipLine(worker.working, 100)}`
    return bad(
      `worker ${worker.id} is dead: last heartbeat ${relative(now - silentMs, now)}; ${job}`,
      'start a Ruby worker: it removes the registration and puts the job in the failed list, from where `runtime failed retry` runs it again',
    )
  })
}

async function queueFindings({ store }: InspectContext): Promise<Finding[]> {
  const [sizes, paused, workers, lines, stale] = await Promise.all([
    store.queues.sizes(),
    store.queues.paused(),
    store.workers.list(),
    store.limits.lines(),
    store.uniqueLocks.stale(),
  ])
  const served = new Set(workers.flatMap((worker) => selectQueues(worker.queues, [...sizes.keys()])))
  const findings: Finding[] = []
  for (const [queue, size] of sizes) {
    if (paused.includes(queue))
      findings.push(note(`queue ${queue} is paused, ${size} wait`, `runtime queues resume ${queue}`))
    else if (size > 0 && !served.has(queue))
      findings.push(bad(`queue ${queue}: ${size} wait, and no worker takes from it`, `runtime work --queues ${queue}`))
    else if (size > 0) findings.push(fine(`queue ${queue}: ${size} wait`))
  }
  for (const { key, holders, waiting } of lines)
    findings.push(note(`limit ${key}: ${waiting} wait for a slot, held by ${clipList(holders, 3) || 'no job'}`))
  for (const { lock, job } of stale.slice(0, locksShown))
    findings.push(
      note(
        `unique lock ${lock} is stale: its job ${job} is neither queued, delayed nor in flight (a Ruby worker took it, or it was removed)`,
        'nothing: the next such job takes the lock over',
      ),
    )
  if (stale.length > locksShown) findings.push(note(`${stale.length - locksShown} more unique locks are stale`))
  return findings
}

async function runFindings({ store }: InspectContext): Promise<Finding[]> {
  const { count: all } = await store.runs.read.count({ status: 'running' })
  const ids = await store.runs.read.ids({ status: 'running', from: 0, to: runsLooked - 1, order: 'asc' })
  const found = await store.runs.lost(ids)
  const some = all > ids.length || !found.complete
  return [
    ...lostSteps(found),
    ...(some ? [note(`not all of the ${all} runs under way were looked at`, 'runtime doctor <id of the run>')] : []),
  ]
}

/** Runs that do not go on, since steps of theirs lie nowhere. */
export function lostSteps({ lost }: LostSteps): Finding[] {
  return [...lost].map(([id, nodes]) => {
    const some = clipList(nodes.map(String), 3)
    const which = nodes.length === 1 ? `job ${some} waits` : `${nodes.length} jobs (${some}) wait`
    const why = 'a Ruby worker took them (`runtime failed list`), or the queue was removed'
    return bad(`run ${id}: ${which} by its record, and lie in no queue: ${why}`, `runtime workflow continue ${id}`)
  })
}

async function schedulerFindings({ store, config }: InspectContext): Promise<Finding[]> {
  const leader = await store.health.leader(lockPrefixOf({ store, config }))
  const [delayed, entries] = await Promise.all([store.delayed.count(), store.schedules.described()])
  if (leader) {
    const who = `scheduler ${leader.owner}`
    const cure = 'check that it is alive; if not, DEL the lock'
    if (leader.ttlMs < 0) return [bad(`${who} holds the lock for ever: no other scheduler can take it`, cure)]
    const until = `${Math.round(leader.ttlMs / 1000)} s more without renewal`
    return [
      fine(`${who} leads, ${until}; ${delayed} delayed, ${plural(Object.keys(entries).length, 'entry', 'entries')}`),
    ]
  }
  const movesDelayed = (await store.health.nodeLeader()) !== undefined
  if ((delayed === 0 || movesDelayed) && Object.keys(entries).length === 0)
    return movesDelayed ? [] : [fine('no scheduler leads, and nothing waits for one')]
  return [
    bad(
      `no scheduler leads, and these wait for one: ${plural(delayed, 'delayed job')}, ${plural(Object.keys(entries).length, 'entry', 'entries')}`,
      'runtime scheduler',
    ),
  ]
}

/** With the archive in Redis there is nothing to go wrong. */
async function archiveFindings({ store }: InspectContext): Promise<Finding[]> {
  const { keep, length, max, dropped, trouble } = await store.archive.state()
  if (keep === 'redis') return []
  const lost = dropped > 0 ? `, ${dropped} dropped` : ''
  const text = `archive: ${plural(length, 'record')} for PostgreSQL in Redis (at most ${max})${lost}`
  if (trouble !== '')
    return [bad(`${text}: ${trouble}`, 'they wait in Redis, at most archive.maxPending; then the oldest are dropped')]
  return [dropped > 0 ? note(text, 'raise archive.maxPending if PostgreSQL will be away for longer') : fine(text)]
}

async function keyFindings({ store }: InspectContext): Promise<Finding[]> {
  const { keys, looked, complete } = await store.health.largestKeys(keysShown)
  const head = fine(`largest keys${complete ? '' : ` among ${looked} looked at`}:`)
  return [
    head,
    ...keys.map(({ name, bytes, ttlSeconds }) => {
      const bound = boundOf(name)
      const text = `${formatBytes(bytes)}  ${name}${ttlSeconds >= 0 ? ` (expires in ${formatDuration(ttlSeconds * 1000)})` : ''}: ${bound ?? 'not of this runtime'}`
      return fine(text)
    }),
  ]
}
