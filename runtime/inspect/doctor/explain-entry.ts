import type { Store } from '../../store/store.ts'
import type { EntryState } from '../../store/schedules/schedules.ts'
import type { EntryDescription } from '../../store/schedules/schedules.ts'
import { lockPrefixOf, type Inspected } from '../inspected.ts'
import { relative } from '../../core/duration.ts'
import { bad, fine, note, type Finding } from './finding.ts'
import { nodeSchedulerFindings } from './beside.ts'

/** An entry that is due for this long is late: a leader looks at least every few seconds. */
const lateMs = 10_000

/** When an entry of the schedule fired, when it will, and what keeps it from it. */
export async function explainEntry(name: string, { store, config }: Inspected): Promise<Finding[]> {
  const [loaded, state] = await Promise.all([store.schedules.described(), store.schedules.find(name)])
  const text = loaded[name]
  if (text === undefined && !state) return []
  const about = text === undefined ? undefined : (JSON.parse(text) as EntryDescription)
  const nextMs = state?.nextMs ?? about?.next
  const what = about ? ` (${about.reads}, ${about.kind} ${about.target})` : ''
  const last = state?.firedAtMs === undefined ? 'never fired' : `last fired ${relative(state.firedAtMs, Date.now())}`
  const isDue = nextMs !== undefined && nextMs < Date.now()
  const next = nextMs === undefined ? '' : `, ${isDue ? 'was due' : 'next'} ${relative(nextMs, Date.now())}`
  const leader = await store.health.leader(lockPrefixOf({ store, config }))
  return [
    fine(`schedule entry ${name}${what}: ${last}${next}`),
    ...(about ? [] : [note('no scheduler has it loaded', 'is it in the schedule file? `runtime schedule check`')]),
    ...switchedOff(name, state, about),
    ...(leader ? [] : [bad('no scheduler that fires entries leads, so nothing fires', 'runtime scheduler')]),
    ...(await nodeSchedulerFindings({ store })),
    ...(leader && nextMs !== undefined && nextMs < Date.now() - lateMs
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
  return [note(`${state.missed} firings were missed${slot}: ${state.missedReason ?? 'no reason is known'}`)]
}
