import { type JobRecord, storedError } from '../../store/queues/jobs.ts'
import type { Store } from '../../store/store.ts'
import type { InspectContext } from '../context.ts'
import { relative } from '../../core/duration.ts'
import { bad, fine, note, type Finding } from './finding.ts'
import { delayedStandstill, queueStandstill } from './standstill.ts'

/** Where a job is, why it does not move, and what to do. */
export async function explainJob(id: string, place: InspectContext): Promise<Finding[]> {
  const { store } = place
  const record = await store.jobs.find(id)
  if (!record) return []
  const head = `job ${id} (${record.class ?? 'unknown class'}) is ${record.state}`
  const attempts =
    Number(record.attempt ?? 0) > 1
      ? [note(`this is attempt ${record.attempt}; the last one failed: ${errorOf(record)}`)]
      : []
  return [...(await explainState(id, head, record, place)), ...attempts]
}

async function explainState(id: string, head: string, record: JobRecord, place: InspectContext): Promise<Finding[]> {
  const { store } = place
  switch (record.state) {
    case 'waiting':
      return waiting(head, record, place)
    case 'delayed':
      return delayed(head, record, place)
    case 'held':
      return held(id, head, record, store)
    case 'running':
      return running(id, head, record, store)
    case 'failed':
      return [
        bad(
          `${head}, by ${record.cause ?? 'an error'}: ${errorOf(record)}`,
          'runtime failed retry, or runtime failed list',
        ),
      ]
    default:
      return [fine(`${head}${record.ended_at ? `, ${relative(Number(record.ended_at), Date.now())}` : ''}`)]
  }
}

async function waiting(head: string, record: JobRecord, place: InspectContext): Promise<Finding[]> {
  const number = await place.store.health.placeInQueue(record.queue, record.item)
  if (number === undefined)
    return [
      bad(
        `${head}, but it is not in queue ${record.queue}: a Ruby worker took it, which reads no ids, or it was removed`,
        'its end is known only to that worker',
      ),
    ]
  const text = `${head}: number ${number} in queue ${record.queue}`
  const found = await queueStandstill([record.queue], place)
  return found.length > 0
    ? [note(text), ...found]
    : [fine(text), note('the queue and its workers', `runtime doctor ${record.queue}`)]
}

async function delayed(head: string, record: JobRecord, place: InspectContext): Promise<Finding[]> {
  const dueMs = Number(record.due_at ?? 0)
  const mover = record['second'] === undefined ? 'a worker or scheduler' : 'a scheduler'
  const due = `due ${new Date(dueMs).toISOString()}, ${relative(dueMs, Date.now())}`
  const text = `${head}: ${due}; ${mover} then moves it to queue ${record.queue}`
  const found = await delayedStandstill(record, place)
  if (found.length > 0) return [note(text), ...found]
  return dueMs < Date.now() - 5000 ? [bad(text, 'are the clocks of these machines right?')] : [fine(text)]
}

async function held(id: string, head: string, record: JobRecord, store: Store): Promise<Finding[]> {
  const key = record['held_by'] ?? ''
  const place = await store.limits.place(key, id)
  if (place === undefined)
    return [
      note(
        `${head}: it waits for the rate limit ${key}, and may start ${record.due_at ? relative(Number(record.due_at), Date.now()) : 'after those before it'}`,
      ),
    ]
  const { holders } = await store.limits.state(key)
  return [
    note(
      `${head}: number ${place} in the line of limit ${key}, whose slots are held by ${holders.join(', ') || 'no job'}`,
      holders[0] ? `runtime doctor ${holders[0]}` : undefined,
    ),
  ]
}

async function running(id: string, head: string, record: JobRecord, store: Store): Promise<Finding[]> {
  const supervisors = await store.supervisors.list()
  const { worker = '?' } = record
  const owner = supervisors.find(({ slots }) => slots.includes(worker))
  const since = record.run_at ? relative(Number(record.run_at), Date.now()) : 'a while ago'
  const pid = record['pid'] ? `, process ${record['pid']}` : ''
  const text = `${head} on ${worker} since ${since}${pid}${record.progress ? `, at ${record.progress}` : ''}`
  if (!owner) return [bad(`${text}; that worker is gone`, 'a live worker or scheduler requeues the job within seconds')]
  if (owner.leaseEndsAtMs < Date.now())
    return [
      bad(
        `${text}; that worker has sent no heartbeat since`,
        'a live worker or scheduler requeues the job within seconds',
      ),
    ]
  if (record['cancel_asked_at'])
    return [note(`${text}; a cancel was requested`, 'its worker kills it after worker.termTimeoutMs')]
  return [fine(text), note('if it hangs', `runtime job cancel ${id}; static timeout ends the next one by itself`)]
}

function errorOf(record: JobRecord): string {
  if (record.error === undefined) return 'unknown'
  const { name, message } = storedError(record.error)
  return `${name}: ${message}`
}
