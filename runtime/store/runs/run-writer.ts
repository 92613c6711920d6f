import type { Redis } from 'ioredis'
import { type Connection, scriptJson } from '../connection/connection.ts'
import type { Keys } from '../keys.ts'
import { numberedKinds } from './run-kinds.ts'
import type { MemorySettings } from '../../messages.ts'
import { memoryField } from './memory.ts'
import { layOut, nodeBytes, type Layout, type NewNode } from './run-table.ts'

/** What nodes have in common; most runs have a handful. Kept as JSON, and read by the scripts: `class`, `queue`, `wait`. */
export interface NodeKind {
  class: string
  queue: string
  /** Milliseconds between ready and queued. */
  wait?: number
  /** Per-call job options as data: retry, timeout, memory limit … */
  options?: object
}

/** A run to be created. */
export interface NewRun {
  id: string
  className: string
  kinds: readonly NodeKind[]
  nodes: readonly NewNode[]
  /** JSON text of the globals object. */
  globals?: string
  /** JSON text of what the run was created with, shown to people. */
  args?: string
  /** From its end until it is removed; 0 keeps it. */
  ttlMs: number
  /** At most one run with this name is under way. */
  unique?: string
  /** More fields of the run's own hash: a description, a pipeline's version. */
  fields?: Record<string, string>
  /** How its memory is kept, and what is in it before the first step, as JSON texts. */
  memory?: { settings: MemorySettings; values: Record<string, string> }
}

/** Nodes that a running step adds, before they are joined to the run by the end of that step. */
export interface Addition {
  kinds: readonly NodeKind[]
  /** Parents that are new, too, are `first` + their place; `place` turns a place into an index. */
  nodes: (first: number) => { nodes: NewNode[]; before: Map<number, number[]> }
  count: number
  edges: { parents: number; children: number }
  /** The run's count of additions (field `grown`) that the check for cycles is true of; absent: no other addition matters. */
  grown?: string
}

/** What a step's end must name for its nodes to join: the nodes, and ranges `[first, count]` of them for those that wait for them. */
export interface StagedNodes {
  from: number
  count: number
  before: [node: number, parents: [first: number, count: number][]][]
  grown?: string
}

/** The graph has changed since an addition was planned: plan it again. */
export class GraphChanged extends Error {
  override name = 'GraphChanged'

  constructor() {
    super('workflow.add: other steps kept changing the graph of the run while these jobs were added; retry the step')
  }
}

/** A creator that dies halfway leaves keys that go by themselves. */
const unfinishedMs = 3_600_000
const chunkBytes = 256 * 1024
const pairsACommand = 500

/**
 * Writes a new run in batches; nothing lists it before run-commit has made it whole.
 * @returns undefined, or the id of the run of the same unique name that is under way
 */
export async function writeRun(connection: Connection, run: NewRun, nowMs: number): Promise<string | undefined> {
  const layout = layOut(run.nodes, { state: 'waiting', first: 0, childrenAt: 0, parentsAt: 0 })
  const tally = tallyOf(run.nodes)
  const memoryKey = (keys: Keys): string => keys.runMemory(run.memory?.settings.prefix ?? '', run.id)
  await connection.ask(async (redis, keys) => {
    await putStrings(redis, keys, run.id, layout, { table: 0, children: 0, parents: 0 })
    await putPairs(redis, keys.runKinds(run.id), numbered(run.kinds.map((kind) => scriptJson(kind))))
    await putNodes(redis, keys, run.id, run.nodes, 0)
    await putPairs(redis, keys.runTally(run.id), tally)
    await putPairs(redis, memoryKey(keys), Object.entries(run.memory?.values ?? {}))
    const names = [
      keys.runTable,
      keys.runChildren,
      keys.runParents,
      keys.runKinds,
      keys.runParams,
      keys.runLabels,
      keys.runTally,
      () => memoryKey(keys),
    ]
    await send(
      redis,
      names.map((name) => ['pexpire', name(run.id), unfinishedMs]),
    )
  })
  const fields = {
    ...run.fields,
    ...(run.memory ? { memory: memoryField(run.memory.settings) } : {}),
    total: run.nodes.length,
    allocated: run.nodes.length,
    kinds: run.kinds.length,
    children: layout.children.length / 4,
    parents: layout.parents.length / 4,
    waiting: run.nodes.length,
    ttl_ms: run.ttlMs,
    ...(run.globals === undefined ? {} : { globals: run.globals }),
    ...(run.args === undefined ? {} : { args: run.args }),
  }
  const reply = await connection.run(
    'run-commit',
    { id: run.id, class: run.className, now: nowMs, unique: run.unique ?? '' },
    Object.entries(fields).flat(),
  )
  if (reply === 'ok') return undefined
  await connection.ask((redis, keys) =>
    redis.unlink(
      keys.runTable(run.id),
      keys.runChildren(run.id),
      keys.runParents(run.id),
      keys.runParams(run.id),
      keys.runTally(run.id),
    ),
  )
  return String(reply)
}

/**
 * Writes nodes beside a running run's own. They belong to it only when the step that adds them ends (lua/include/run-step.lua);
 * a step that dies first leaves them out for good.
 * @returns what the step's end must name
 * @throws RuntimeError ERR_TOO_LARGE for more different kinds than a run can have
 */
export async function stageNodes(connection: Connection, runId: string, addition: Addition): Promise<StagedNodes> {
  const kinds = await numberedKinds(connection, runId, addition.kinds)
  return connection.ask(async (redis, keys) => {
    const reply = await redis
      .multi()
      .hincrby(keys.run(runId), 'allocated', addition.count)
      .hincrby(keys.run(runId), 'children', addition.edges.children)
      .hincrby(keys.run(runId), 'parents', addition.edges.parents)
      .exec()
    const [ends, childrenEnd, parentsEnd] = reply!.map((entry) => Number(entry[1])) as [number, number, number]
    const first = ends - addition.count
    const { nodes, before } = addition.nodes(first)
    const placed = nodes.map((node) => ({ ...node, kind: kinds[node.kind]! }))
    const childrenAt = childrenEnd - addition.edges.children
    const parentsAt = parentsEnd - addition.edges.parents
    const layout = layOut(placed, { state: 'staged', first, childrenAt, parentsAt, before })
    await putStrings(redis, keys, runId, layout, {
      table: first * nodeBytes,
      children: childrenAt * 4,
      parents: parentsAt * 4,
    })
    await putNodes(redis, keys, runId, placed, first)
    const { count, grown } = addition
    return { from: first, count, before: byTarget(before), ...(grown === undefined ? {} : { grown }) }
  })
}

/** Existing nodes and the new ones that they shall wait for, as ranges: rows that are added together are one. */
function byTarget(before: ReadonlyMap<number, readonly number[]>): StagedNodes['before'] {
  const ranges = new Map<number, [number, number][]>()
  for (const [node, targets] of [...before].sort(([a], [b]) => a - b)) {
    for (const target of targets) {
      const list = ranges.get(target) ?? []
      const last = list.at(-1)
      if (last && last[0] + last[1] === node) last[1] += 1
      else list.push([node, 1])
      ranges.set(target, list)
    }
  }
  return [...ranges]
}

function tallyOf(nodes: readonly NewNode[]): [string, string][] {
  const counts = new Map<number, number>()
  for (const node of nodes) counts.set(node.kind, (counts.get(node.kind) ?? 0) + 1)
  return [...counts].map(([kind, count]) => [`${kind}:waiting`, String(count)])
}

const numbered = (texts: readonly string[]): [string, string][] => texts.map((text, i) => [String(i), text])

async function putNodes(redis: Redis, keys: Keys, id: string, nodes: readonly NewNode[], first: number): Promise<void> {
  const pairs = (pick: (node: NewNode) => string | undefined): [string, string][] =>
    nodes.flatMap((node, i): [string, string][] => {
      const text = pick(node)
      return text === undefined ? [] : [[String(first + i), text]]
    })
  await putPairs(
    redis,
    keys.runParams(id),
    pairs((node) => node.params),
  )
  await putPairs(
    redis,
    keys.runLabels(id),
    pairs((node) => node.label),
  )
}

async function putPairs(redis: Redis, name: string, pairs: readonly [string, string][]): Promise<void> {
  const commands: unknown[][] = []
  for (let at = 0; at < pairs.length; at += pairsACommand)
    commands.push(['hset', name, ...pairs.slice(at, at + pairsACommand).flat()])
  await send(redis, commands)
}

async function putStrings(
  redis: Redis,
  keys: Keys,
  id: string,
  layout: Layout,
  at: { table: number; children: number; parents: number },
): Promise<void> {
  const strings: [string, Buffer, number][] = [
    [keys.runTable(id), layout.table, at.table],
    [keys.runChildren(id), layout.children, at.children],
    [keys.runParents(id), layout.parents, at.parents],
  ]
  const commands = strings.flatMap(([name, bytes, offset]) => {
    // The last byte first: Redis then takes the room once, instead of doubling it.
    const room = bytes.length > chunkBytes ? [['setrange', name, offset + bytes.length - 1, bytes.subarray(-1)]] : []
    const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, i) => [
      'setrange',
      name,
      offset + i * chunkBytes,
      bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes),
    ])
    return [...room, ...chunks]
  })
  await send(redis, commands)
}

/** Sends commands in pipelines of bounded size; the first error of any of them is thrown. */
async function send(redis: Redis, commands: readonly unknown[][]): Promise<void> {
  for (let at = 0; at < commands.length; at += 20) {
    const replies = await redis.pipeline(commands.slice(at, at + 20)).exec()
    for (const [error] of replies!) if (error) throw error
  }
}
