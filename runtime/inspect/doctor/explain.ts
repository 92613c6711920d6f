import type { Store } from '../../store/store.ts'
import { clipLine } from '../../../config/clip.ts'
import { relative } from '../../core/duration.ts'
import { type InspectContext, lockPrefixOf } from '../context.ts'
import { explainJob } from './explain-job.ts'
import { bad, findReadable, type Finding, fine, note } from './finding.ts'
import { nodeSchedulerFindings } from './other-clients.ts'
import { lostSteps } from './checks.ts'
import { queueStandstill, runStandstill } from './standstill.ts'
import { selectQueues } from '../../store/queues/queue-list.ts'
import type { EntryDescription, EntryState } from '../../store/schedules/schedules.ts'
import { plural } from '../../core/plural.ts'

/**
 * What a name stands for, where it is, why it does not move, and what to do. A name may stand for several things; all of
 * them are told. None: undefined.
 */
export function explain(name: string, place: InspectContext): Promise<Finding[] | undefined> {
  const parts = [explainJob, explainRun, explainQueue, explainWorker, explainEntry, explainLock]
  return findReadable(place, async (readable) => {
    const found = (await Promise.all(parts.map((part) => part(name, readable)))).flat()
    return found.length === 0 ? undefined : found
  })
}

async function explainRun(id: string, place: InspectContext): Promise<Finding[]> {
  const { store } = place
  const run = await store.runs.read.find(id)
  if (!run) return []
  const counts = Object.entries(run.counts).filter(([, count]) => count > 0)
  const text = counts.map(([state, count]) => `${count} ${state}`).join(', ')
  const head = `run ${id} of ${run.class} is ${run.status}: ${text || 'no jobs'}`
  switch (run.status) {
    case 'pending':
      return [note(head, `it was created and not started: runtime workflow start ${id}`)]
    case 'failed':
      return [
        bad(head, `see why: runtime workflow show ${id}; then run what failed again: runtime workflow continue ${id}`),
        ...(await store.runs.read.failed(id, 3)).map(({ index, error }) =>
          note(`node ${index}: ${clipLine(error, 200)}`),
        ),
      ]
    case 'stopped':
      return [note(head, `runtime workflow continue ${id}`)]
    case 'running': {
      const { queued = 0, running = 0, delayed = 0 } = run.counts
      if (queued + running + delayed === 0)
        return [
          bad(
            `${head}, but none of its jobs is queued, delayed or running`,
            `a worker continues it after a crash: is one running? (runtime doctor)`,
          ),
        ]
      const found = await runStandstill(id, place)
      return [
        ...lostSteps(await store.runs.lost([id])),
        fine(head),
        ...found,
        ...(found.length === 0 && queued > 0 && running === 0 ? await queuesOfRun(id, store) : []),
      ]
    }
    default:
      return [fine(head)]
  }
}

async function queuesOfRun(id: string, store: Store): Promise<Finding[]> {
  const kinds = await store.runs.read.kinds(id)
  const queues = [...new Set(kinds.map((kind) => kind.queue))]
  return queues.map((queue) => note(`its jobs wait in ${queue}`, `runtime doctor ${queue}`))
}

async function explainQueue(name: string, place: InspectContext): Promise<Finding[]> {
  const { store } = place
  const [sizes, paused, workers] = await Promise.all([
    store.queues.sizes(),
    store.queues.paused(),
    store.workers.list(),
  ])
  const size = sizes.get(name)
  if (size === undefined && !paused.includes(name)) return []
  const takers = workers.filter((worker) => selectQueues(worker.queues, [...sizes.keys()]).includes(name))
  const findings = [fine(`queue ${name}: ${size ?? 0} wait`), ...(await queueStandstill([name], place))]
  for (const worker of takers) {
    const before = worker.queues.slice(0, worker.queues.indexOf(name)).filter((queue) => (sizes.get(queue) ?? 0) > 0)
    const busy = worker.working ? `busy: ${clipLine(worker.working, 120)}` : 'idle'
    findings.push(
      before.length > 0
        ? note(
            `${worker.id} (${busy}) looks into ${before.join(', ')} first, which has work`,
            'more workers, or --weights',
          )
        : fine(`${worker.id} takes from it (${busy})`),
    )
  }
  return findings
}

async function explainWorker(name: string, { store }: InspectContext): Promise<Finding[]> {
  const [workers, supervisors] = await Promise.all([store.workers.list(), store.supervisors.list()])
  const mine = workers.filter(
    (worker) => worker.id === name || worker.pid === name || `${worker.host}:${worker.pid}` === name,
  )
  return mine.map((worker) => {
    const supervisor = supervisors.find(({ slots }) => slots.includes(worker.id))
    const doing = worker.working ? `runs ${clipLine(worker.working, 160)}` : 'is idle'
    const head = `worker ${worker.id} ${doing}; ${worker.processed} processed, ${worker.failed} failed`
    if (!supervisor)
      return note(
        `${head}; it is not of this runtime, last beat ${worker.heartbeat ?? 'never'}`,
        'Ruby workers are pruned by other Ruby workers',
      )
    const { launcher, fallback, cure } = supervisor.about
    if (supervisor.leaseEndsAtMs < Date.now())
      return bad(
        `${head}; its lease ran out ${relative(supervisor.leaseEndsAtMs, Date.now())}: it is dead or cut off`,
        'any live worker or scheduler requeues its jobs',
      )
    return fallback ? note(`${head}; ${launcher}, it does not fork: ${fallback}`, cure) : fine(`${head}; ${launcher}`)
  })
}

async function explainLock(name: string, { store, config }: InspectContext): Promise<Finding[]> {
  if (!/^(leader|lock|scheduler)$/.test(name) && !/resque_scheduler_(master|leader)_lock/.test(name)) return []
  const leader = await store.health.leader(lockPrefixOf({ store, config }))
  const others = await nodeSchedulerFindings({ store })
  if (!leader) return [...others, note('the scheduler lock is free: no scheduler fires entries', 'runtime scheduler')]
  if (leader.ttlMs < 0)
    return [
      bad(
        `the scheduler lock is ${leader.owner}'s and never runs out`,
        'check that this process is alive; if not, DEL the lock',
      ),
      ...others,
    ]
  return [
    fine(
      `the scheduler lock is ${leader.owner}'s, for ${Math.round(leader.ttlMs / 1000)} s more unless it is renewed; then another takes it`,
    ),
    ...others,
  ]
}

/** An entry that is due for this long is late: a leader looks at least every few seconds. */
const lateMs = 10_000

/** When an entry of the schedule fired, when it will, and what keeps it from it. */
async function explainEntry(name: string, { store, config }: InspectContext): Promise<Finding[]> {
  const [loaded, state] = await Promise.all([store.schedules.described(), store.schedules.find(name)])
  const about = loaded[name]
  if (!about && !state) return []
  const nextMs = state?.nextMs ?? about?.next
  const what = about ? ` (${about.reads}, ${about.kind} ${about.target})` : ''
  const last = state?.firedAtMs === undefined ? 'never fired' : `last fired ${relative(state.firedAtMs, Date.now())}`
  const isDue = nextMs !== undefined && nextMs < Date.now()
  const next = nextMs === undefined ? '' : `, ${isDue ? 'was due' : 'next'} ${relative(nextMs, Date.now())}`
  const leader = await store.health.leader(lockPrefixOf({ store, config }))
  const off = switchedOff(name, state, about)
  const isLate = off.length === 0 && nextMs !== undefined && nextMs < Date.now() - lateMs
  return [
    fine(`schedule entry ${name}${what}: ${last}${next}`),
    ...(about ? [] : [note('no scheduler has it loaded', 'is it in the schedule file? `runtime schedule check`')]),
    ...off,
    ...(leader ? [] : [bad('no scheduler that fires entries leads, so nothing fires', 'runtime scheduler')]),
    ...(await nodeSchedulerFindings({ store })),
    ...(leader && isLate
      ? [bad(`${leader.owner} leads and has not fired it`, "see that scheduler's log, and its machine's clock")]
      : []),
    ...(about && about.overlap !== 'allow' ? await lastRun(name, about.overlap, store) : []),
    ...missed(state),
  ]
}

function switchedOff(name: string, state: EntryState | undefined, about: EntryDescription | undefined): Finding[] {
  if (state?.paused) return [note('it is paused', `runtime schedule resume ${name}`)]
  if ((state?.enabled ?? about?.enabled) === false)
    return [note('it is switched off', `runtime schedule enable ${name}`)]
  return []
}

/** Where runs must not overlap, the one before decides. */
async function lastRun(name: string, overlap: string, store: Store): Promise<Finding[]> {
  const { state, id, waiting } = await store.schedules.previous(name)
  const isBusy = state === 'busy' || (state === 'unknown' && (await store.runs.read.find(id))?.status === 'running')
  if (!isBusy) return []
  const then = overlap === 'skip' ? 'the next firing is skipped' : `firings wait for it (${waiting} do)`
  return [note(`its last run has not ended: ${then}`, `runtime doctor ${id}`)]
}

function missed(state: EntryState | undefined): Finding[] {
  if (!state || state.missed === 0) return []
  const slot = state.missedSlotMs === undefined ? '' : `, the last at ${new Date(state.missedSlotMs).toISOString()}`
  return [note(`missed ${plural(state.missed, 'firing')}${slot}: ${state.missedReason ?? 'no reason is known'}`)]
}
