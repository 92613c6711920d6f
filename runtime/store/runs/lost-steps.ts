import { jsonObject } from '../../core/json-text.ts'
import type { Connection } from '../connection/connection.ts'
import { kindOf } from './run-kinds.ts'
import type { RunReader } from './run-reader.ts'

/** Nodes of one run that wait for a worker, by the run's own table. */
interface Waiting {
  run: string
  index: number
  queue: string
  attempts: number
}

/** What was found, and whether all that had to be looked at was. */
export interface LostSteps {
  /** Run → numbers of its nodes, in order. */
  lost: ReadonlyMap<string, number[]>
  complete: boolean
}

const pageSize = 1000
/** Nodes, and items of queues, that one look reads at most. */
const maxNodes = 200_000
const maxItems = 500_000

const keyOf = (run: string, index: number | string): string => `${run} ${index}`

/** Run and node of a step's queue item, as one text; undefined for any other item. */
function stepKey(item: string | null): string | undefined {
  if (!item?.startsWith('{"class":"ResqueRuntime::Step",')) return undefined
  const { args }: { args?: unknown } = jsonObject(item) ?? {}
  return Array.isArray(args) ? keyOf(String(args[0]), String(args[1])) : undefined
}

/**
 * Finds steps that are queued or delayed by their run's table and lie nowhere: their queue was removed from outside
 * (Ruby's `remove_queue`, DEL), or a worker that does not know steps (Ruby's) has taken them. Nothing that moves
 * meanwhile is reported: queues are read from their tails, then what is in flight, then the table once more.
 * @param only the one node that is looked at
 */
export async function findLostSteps(
  connection: Connection,
  read: RunReader,
  runs: readonly string[],
  only?: number,
): Promise<LostSteps> {
  const { waiting, complete } = await waitingNodes(read, runs, only)
  const free = await withoutOwner(connection, waiting)
  const there = await itemsOf(connection, [...new Set(free.map(({ queue }) => queue))])
  const flying = await inflightSteps(connection)
  const gone = free.filter(({ run, index, queue }) => {
    const key = keyOf(run, index)
    return there.read.has(queue) && !there.keys.has(key) && !flying.has(key)
  })
  const lost = new Map<string, number[]>()
  for (const id of new Set(gone.map(({ run }) => run))) {
    const mine = gone.filter(({ run }) => run === id)
    const rows = await read.nodesAt(
      id,
      mine.map(({ index }) => index),
    )
    const still = rows.filter((row, i) => isWaiting(row.state) && row.attempts === mine[i]?.attempts)
    if (still.length > 0)
      lost.set(
        id,
        still.map(({ index }) => index),
      )
  }
  return { lost, complete: complete && there.complete }
}

const isWaiting = (state: string): boolean => state === 'queued' || state === 'delayed'

async function waitingNodes(
  read: RunReader,
  runs: readonly string[],
  only?: number,
): Promise<{ waiting: Waiting[]; complete: boolean }> {
  const waiting: Waiting[] = []
  let left = maxNodes
  for (const run of runs) {
    const record = await read.find(run)
    if (!record || !(record.counts.queued || record.counts.delayed)) continue
    const [first, end] = only === undefined ? [0, record.total] : [only, only + 1]
    if (end - first > left) return { waiting, complete: false }
    left -= end - first
    const kinds = await read.kinds(run)
    for (let from = first; from < end; from += pageSize)
      for (const row of await read.nodes(run, from, Math.min(from + pageSize, end)))
        if (isWaiting(row.state))
          waiting.push({ run, index: row.index, queue: kindOf(kinds, row).queue, attempts: row.attempts })
  }
  return { waiting, complete: true }
}

/** Leaves out nodes whose job is in a worker's hands, or will be back by itself. */
async function withoutOwner(connection: Connection, waiting: readonly Waiting[]): Promise<Waiting[]> {
  const free: Waiting[] = []
  for (let at = 0; at < waiting.length; at += pageSize) {
    const page = waiting.slice(at, at + pageSize)
    const comesBack = await connection.ask(async (redis, keys) =>
      Promise.all(
        page.map(async ({ run, index }) => {
          const owner = await redis.hget(keys.runOwners(run), String(index))
          if (owner === null) return false
          const [state, due] = await Promise.all([
            redis.hget(keys.job(owner), 'state'),
            redis.zscore(keys.delayed(), owner),
          ])
          return state === 'running' || state === 'held' || (state === 'delayed' && due !== null)
        }),
      ),
    )
    free.push(...page.filter((_, i) => !comesBack[i]))
  }
  return free
}

/** Steps that lie in these queues; `read` names the queues that were read whole. */
async function itemsOf(
  connection: Connection,
  queues: readonly string[],
): Promise<{ keys: Set<string>; read: Set<string>; complete: boolean }> {
  const [keys, read] = [new Set<string>(), new Set<string>()]
  let left = maxItems
  for (const queue of queues) {
    for (let seen = 0; left > 0; seen += pageSize, left -= pageSize) {
      // From the tail: what is taken at the head meanwhile moves nothing there.
      const items = await connection.ask((redis, names) =>
        redis.lrange(names.queue(queue), -seen - pageSize, -seen - 1),
      )
      for (const item of items) {
        const key = stepKey(item)
        if (key !== undefined) keys.add(key)
      }
      if (items.length < pageSize) {
        read.add(queue)
        break
      }
    }
  }
  return { keys, read, complete: read.size === queues.length }
}

async function inflightSteps(connection: Connection): Promise<Set<string>> {
  return connection.ask(async (redis, keys) => {
    const supervisors = await redis.zrange(keys.supervisors(), 0, '-1')
    const jobs = (await Promise.all(supervisors.map((id) => redis.hkeys(keys.inflight(id))))).flat()
    const items = await Promise.all(jobs.map((id) => redis.hget(keys.job(id), 'item')))
    return new Set(items.flatMap((item) => stepKey(item) ?? []))
  })
}
