import type { Connection } from '../connection/connection.ts'
import type { RunRecord } from './run-reader.ts'

/** Which runs to list. */
export interface RunQuery {
  class?: string
  status?: RunRecord['status']
  /** Positions in the whole answer, both included. */
  from: number
  to: number
  order: 'asc' | 'desc'
}

/** Runs that one call of run-index looks at, and calls that one list makes at most. */
const indexedAtOnce = 200
const mostSteps = 50

/** Ids of runs by creation. Costs the page, whatever the number of runs. */
export async function runIds(connection: Connection, query: RunQuery): Promise<string[]> {
  if (query.class !== undefined && query.status) await indexRuns(connection)
  return connection.ask((redis, keys) => {
    const set = setOf(keys, query)
    return query.order === 'asc'
      ? redis.zrange(set, `${query.from}`, `${query.to}`)
      : redis.zrevrange(set, `${query.from}`, `${query.to}`)
  })
}

/** How many runs there are of a class or status, or in all. */
export async function countRuns(
  connection: Connection,
  by: Pick<RunQuery, 'class' | 'status'>,
): Promise<{ count: number; isExact: boolean }> {
  const isExact = by.class === undefined || !by.status || (await indexRuns(connection))
  return { count: await connection.ask((redis, keys) => redis.zcard(setOf(keys, by))), isExact }
}

function setOf(keys: Connection['keys'], { class: name, status }: Pick<RunQuery, 'class' | 'status'>): string {
  if (name !== undefined && status) return keys.runsIsOf(status, name)
  return name !== undefined ? keys.runsOf(name) : status ? keys.runsIs(status) : keys.runs()
}

/**
 * Adds runs of versions that kept no index by class and status to it, at most {@link mostSteps} batches a call; the next call goes on.
 * @returns true when every run is in the index
 */
async function indexRuns(connection: Connection): Promise<boolean> {
  if ((await connection.ask((redis, keys) => redis.get(keys.runsIndexed()))) === 'all') return true
  for (let step = 0; step < mostSteps; step += 1)
    if (Number(await connection.run('run-index', { count: indexedAtOnce, status: '', class: '' }, [])) === 1)
      return true
  return false
}

/** Corrects the index for runs that were found under a status that they no longer have: a worker of an older version moved them. */
export async function reindexRuns(
  connection: Connection,
  by: { class: string; status: string },
  ids: readonly string[],
): Promise<void> {
  if (ids.length > 0) await connection.run('run-index', { count: 0, ...by }, ids)
}
