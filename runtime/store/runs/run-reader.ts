import { pairsOf, type Connection } from '../connection/connection.ts'
import {
  nodeBytes,
  readAddedParents,
  readEdges,
  readRows,
  storedStates,
  type NodeRow,
  type StoredEdge,
  type StoredState,
} from './run-table.ts'
import { kindOf, readKind } from './run-kinds.ts'
import { countRuns, reindexRuns, runIds, type RunQuery } from './run-list.ts'
import type { NodeKind } from './run-writer.ts'

/** A run's own record; times in milliseconds since 1970. */
export interface RunRecord {
  id: string
  class: string
  status: 'pending' | 'running' | 'finished' | 'failed' | 'stopped'
  total: number
  /** How many nodes are in each state; states without any are absent. */
  counts: Partial<Record<StoredState, number>>
  createdAt: number
  startedAt: number | undefined
  endedAt: number | undefined
  ttlMs: number
  /** JSON text. */
  args: string | undefined
  globals: string | undefined
  /** Every field as stored. */
  fields: Record<string, string>
}

/** A failed node and its error as JSON text. */
export interface FailedNode {
  index: number
  error: string
}

/** Staged nodes are not part of the run yet. */
const countedStates = storedStates.filter((state) => state !== 'staged')

/** Workflow runs, read. No method walks a run's nodes unless it is asked for them. */
export class RunReader {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The run's record, or undefined. */
  async find(id: string): Promise<RunRecord | undefined> {
    const fields = await this.#connection.ask((redis, keys) => redis.hgetall(keys.run(id)))
    return fields.status === undefined ? undefined : recordOf(id, fields)
  }

  /** Ids of runs by creation. Costs the page, whatever the number of runs. */
  async ids(query: RunQuery): Promise<string[]> {
    return runIds(this.#connection, query)
  }

  /**
   * Records of runs, by creation. Costs the page, whatever the number of runs or of their nodes. A page may have fewer
   * than there are: runs that moved meanwhile are left out.
   */
  async list(query: RunQuery): Promise<RunRecord[]> {
    const ids = await this.ids(query)
    const records: (RunRecord | undefined)[] = []
    for (let at = 0; at < ids.length; at += 500) {
      records.push(...(await Promise.all(ids.slice(at, at + 500).map((id) => this.find(id)))))
    }
    const { class: name, status } = query
    if (name === undefined || !status) return records.filter((record) => record !== undefined)
    const isRight = (record: RunRecord | undefined): record is RunRecord =>
      record?.class === name && record.status === status
    await reindexRuns(
      this.#connection,
      { class: name, status },
      ids.filter((_, i) => !isRight(records[i])),
    )
    return records.filter(isRight)
  }

  /** How many runs there are of a class or status, or in all; not exact while runs of an older version are not counted yet. */
  async count(by: Pick<RunQuery, 'class' | 'status'> = {}): Promise<{ count: number; isExact: boolean }> {
    return countRuns(this.#connection, by)
  }

  /** The kinds of a run's nodes, by number. */
  async kinds(id: string): Promise<NodeKind[]> {
    const stored = await this.#connection.ask((redis, keys) => redis.hgetall(keys.runKinds(id)))
    const kinds: NodeKind[] = []
    for (const [index, text] of Object.entries(stored)) kinds[Number(index)] = readKind(text)
    return kinds
  }

  /** How many nodes of each class are in each state. */
  async tally(id: string): Promise<Map<string, Partial<Record<StoredState, number>>>> {
    const [kinds, counts] = await Promise.all([
      this.kinds(id),
      this.#connection.ask((redis, keys) => redis.hgetall(keys.runTally(id))),
    ])
    const tally = new Map<string, Partial<Record<StoredState, number>>>()
    for (const kind of kinds) tally.set(kind.class, tally.get(kind.class) ?? {})
    for (const [field, count] of Object.entries(counts)) {
      const [kind = '', state = ''] = field.split(':')
      const of = tally.get(kindOf(kinds, { kind: Number(kind) }).class)
      if (of && Number(count) !== 0) of[state as StoredState] = (of[state as StoredState] ?? 0) + Number(count)
    }
    return tally
  }

  /** Records of nodes `from` to `to`, the latter not included. */
  async nodes(id: string, from: number, to: number): Promise<NodeRow[]> {
    if (to <= from) return []
    const bytes = await this.#connection.ask((redis, keys) =>
      redis.getrangeBuffer(keys.runTable(id), from * nodeBytes, to * nodeBytes - 1),
    )
    return readRows(bytes, from)
  }

  /** Records of nodes anywhere in the run, in the order asked for. */
  async nodesAt(id: string, indexes: readonly number[]): Promise<NodeRow[]> {
    if (indexes.length === 0) return []
    let [low, high] = [Infinity, 0]
    for (const index of indexes) [low, high] = [Math.min(low, index), Math.max(high, index)]
    // Parents of one node are mostly neighbours: one read over their span is cheaper than one for each.
    if (high - low < indexes.length * 8) {
      const rows = await this.nodes(id, low, high + 1)
      return indexes.flatMap((index) => rows[index - low] ?? [])
    }
    return (await Promise.all(indexes.map((index) => this.nodes(id, index, index + 1)))).flat()
  }

  /** A node's parents, those added while running included. */
  async parents(id: string, node: NodeRow): Promise<StoredEdge[]> {
    const [edges, added, nodes] = await this.#connection.ask((redis, keys) =>
      Promise.all([
        node.parentCount === 0
          ? Buffer.alloc(0)
          : redis.getrangeBuffer(keys.runParents(id), node.parentsAt * 4, (node.parentsAt + node.parentCount) * 4 - 1),
        redis.hgetBuffer(keys.runMore(id), `p${node.index}`),
        this.#stored(id),
      ]),
    )
    return [...readEdges(edges), ...(added ? readAddedParents(added, nodes) : [])]
  }

  /** How many nodes its table has. */
  #stored = async (id: string): Promise<number> =>
    (await this.#connection.ask((redis, keys) => redis.strlen(keys.runTable(id)))) / nodeBytes

  /** All parent edges of the run: the whole edge string, and what was added. For drawing. */
  async edges(id: string): Promise<{ parents: StoredEdge[]; added: Map<number, StoredEdge[]> }> {
    const [all, more, nodes] = await this.#connection.ask(async (redis, keys) =>
      Promise.all([redis.getBuffer(keys.runParents(id)), redis.hgetallBuffer(keys.runMore(id)), this.#stored(id)]),
    )
    const added = Object.entries(more).filter(([field]) => field.startsWith('p'))
    const parentsOf = added.map(([field, bytes]) => [Number(field.slice(1)), readAddedParents(bytes, nodes)] as const)
    return { parents: all ? readEdges(all) : [], added: new Map(parentsOf) }
  }

  /** JSON texts of a hash per node, in the order asked for. */
  async texts(id: string, of: 'params' | 'outputs', indexes: readonly number[]): Promise<(string | undefined)[]> {
    if (indexes.length === 0) return []
    const values = await this.#connection.ask((redis, keys) => {
      const name = { params: keys.runParams, outputs: keys.runOutputs }[of](id)
      return redis.hmget(name, ...indexes.map(String))
    })
    return values.map((value) => value ?? undefined)
  }

  /** Names of nodes that have one, by id. */
  async labels(id: string): Promise<Map<string, string>> {
    return new Map(Object.entries(await this.#connection.ask((redis, keys) => redis.hgetall(keys.runLabels(id)))))
  }

  /** Failed nodes by number, at most `max` of them. */
  async failed(id: string, max: number): Promise<FailedNode[]> {
    const pairs = await this.#connection.ask(async (redis, keys) => {
      const [failed, retrying] = [keys.runFailed(id), keys.runRetrying(id)]
      const few = (await redis.hlen(failed)) <= max * 10
      return [
        ...(few
          ? Object.entries(await redis.hgetall(failed))
          : pairsOf((await redis.hrandfield(failed, max, 'WITHVALUES')) as string[])),
        ...pairsOf((await redis.hrandfield(retrying, max, 'WITHVALUES')) as string[]),
      ]
    })
    return pairs
      .map(([index, error]) => ({ index: Number(index), error }))
      .sort((a, b) => a.index - b.index)
      .slice(0, max)
  }

  /** The error of a failed node, JSON text; undefined where it has not failed. */
  async error(id: string, index: number): Promise<string | undefined> {
    const errors = await this.#connection.ask((redis, keys) =>
      Promise.all([redis.hget(keys.runFailed(id), String(index)), redis.hget(keys.runRetrying(id), String(index))]),
    )
    return errors.find((error) => error !== null) ?? undefined
  }

  /** ID of the job that runs a node, or waits for its time. */
  async owner(id: string, index: number): Promise<string | undefined> {
    return (await this.#connection.ask((redis, keys) => redis.hget(keys.runOwners(id), String(index)))) ?? undefined
  }

  /** Ids of the jobs that run, or wait for their time, in pages: a hundred thousand may be delayed. */
  async *owners(id: string): AsyncGenerator<string[]> {
    for (let cursor: string | undefined = '0'; cursor !== undefined;) {
      const at: string = cursor
      const [next, page] = await this.#connection.ask((redis, keys) =>
        redis.hscan(keys.runOwners(id), at, 'COUNT', 500),
      )
      yield pairsOf(page).map(([, job]) => job)
      cursor = next === '0' ? undefined : next
    }
  }

  /** Tells when the run ends; until the returned function is called. Messages can be missed: poll, too. */
  async listen(id: string, onEnd: () => void): Promise<() => void> {
    return (await this.#connection.listenIfAllowed(this.#connection.keys.ended(id), onEnd)) ?? (() => undefined)
  }
}

function recordOf(id: string, fields: Record<string, string>): RunRecord {
  const counts = countedStates
    .map((state) => [state, Number(fields[state] ?? 0)] as const)
    .filter(([, count]) => count !== 0)
  const time = (name: string): number | undefined => (fields[name] === undefined ? undefined : Number(fields[name]))
  return {
    id,
    class: fields.class ?? '',
    status: fields.status as RunRecord['status'],
    total: Number(fields.total ?? 0),
    counts: Object.fromEntries(counts),
    createdAt: Number(fields.created_at ?? 0),
    startedAt: time('started_at'),
    endedAt: time('ended_at'),
    ttlMs: Number(fields.ttl_ms ?? 0),
    args: fields.args,
    globals: fields.globals,
    fields,
  }
}
