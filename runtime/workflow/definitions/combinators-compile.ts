import { RuntimeError } from '../../core/errors.ts'
import { wireName, type JobDefinition } from '../../jobs/job.ts'
import { checkGraph, nodeName, type Graph } from '../graph/graph.ts'
import { GraphBuilder, type Compiled } from '../graph/graph-builder.ts'
import type { PartOptions } from './combinators-types.ts'

/** Parts as data: what the combinators make and the compiler walks. */
export type PartData =
  | { kind: 'task'; job: JobDefinition; params: object | undefined; options: PartOptions }
  | { kind: 'chain' | 'group'; members: readonly PartData[] }
  | { kind: 'delay'; part: PartData; delayMs: number }
  | { kind: 'with'; part: PartData; options: PartOptions }

type Task = Extract<PartData, { kind: 'task' }>

/** One task at its place. A task that stands at two places is one node, with the parents of both. */
interface Placed {
  after: Set<Task>
  options: PartOptions
  delayMs: number
}

/** Where a part ends: its last tasks, and by how much what follows is delayed. An empty part has none. */
interface End {
  tasks: readonly Task[]
  delayMs: number
}

interface Entry {
  after: readonly Task[]
  delayMs: number
  options: PartOptions
}

/** One compilation. */
interface Plan {
  of: string
  places: Map<Task, Placed>
  edges: number
}

/** Two wide groups in a row multiply: more than this is a mistake, or wants a task in between. */
const maxEdges = 5_000_000

/**
 * Compiles a part. Nodes come in the order in which their tasks stand in the text. Pure: it knows no store.
 * @param of names the workflow in errors
 * @throws RuntimeError ERR_GRAPH (a task that would wait for itself, or stands at two places with different options), ERR_TOO_LARGE
 */
export function compilePart(of: string, part: PartData, queue?: string): Compiled {
  const places = new Map<Task, Placed>()
  walk(part, { after: [], delayMs: 0, options: {} }, { of, places, edges: 0 })
  const builder = new GraphBuilder(of, queue)
  const indexes = new Map<Task, number>()
  for (const [task, { options, delayMs }] of places) {
    indexes.set(task, indexes.size)
    builder.add(task.job, {
      ...options,
      ...(task.params === undefined ? {} : { params: task.params }),
      ...(delayMs > 0 ? { wait: delayMs } : {}),
    })
  }
  const graph = builder.compile()
  for (const [task, { after }] of places) {
    const { parents } = graph.nodes[indexes.get(task)!]!
    for (const parent of after) parents.push({ from: indexes.get(parent)!, when: 'finished' })
  }
  return { graph: checked(of, graph), definitions: builder.definitions }
}

/** Asks for the end of a part inside the one at hand. */
interface Visit {
  part: PartData
  entry: Entry
}

type Walk = Generator<Visit, End, End>

/** Parts may be nested deeper than calls may: the walks that wait for an inner one are kept in a list. */
function walk(part: PartData, entry: Entry, plan: Plan): void {
  const waiting: Walk[] = [visit({ part, entry }, plan)]
  let end: End = { tasks: [], delayMs: 0 }
  for (let top = waiting.at(-1); top; top = waiting.at(-1)) {
    const next = top.next(end)
    if (next.done) {
      end = next.value
      waiting.pop()
    } else waiting.push(visit(next.value, plan))
  }
}

function* visit({ part, entry }: Visit, plan: Plan): Walk {
  switch (part.kind) {
    case 'task':
      return place(part, entry, plan)
    case 'chain':
      return yield* walkChain(part.members, entry)
    case 'group':
      return yield* walkGroup(part.members, entry)
    case 'delay':
      return yield { part: part.part, entry: { ...entry, delayMs: entry.delayMs + part.delayMs } }
    case 'with':
      return yield { part: part.part, entry: { ...entry, options: { ...entry.options, ...part.options } } }
  }
}

function* walkChain(members: readonly PartData[], entry: Entry): Walk {
  let [tasks, delayMs]: [readonly Task[], number] = [[], entry.delayMs]
  for (const part of members) {
    const end = yield { part, entry: { ...entry, after: tasks.length > 0 ? tasks : entry.after, delayMs } }
    if (end.tasks.length > 0) tasks = end.tasks
    delayMs = end.delayMs
  }
  return { tasks, delayMs }
}

/** What follows a group is delayed by the longest delay that its members leave open: never earlier than any of them asks. */
function* walkGroup(members: readonly PartData[], entry: Entry): Walk {
  const tasks = new Set<Task>()
  let [delayMs, emptyMs] = [0, entry.delayMs]
  for (const part of members) {
    const end = yield { part, entry }
    for (const task of end.tasks) tasks.add(task)
    if (end.tasks.length === 0) emptyMs = Math.max(emptyMs, end.delayMs)
    delayMs = Math.max(delayMs, end.tasks.length > 0 ? end.delayMs : end.delayMs - entry.delayMs)
  }
  return tasks.size === 0 ? { tasks: [], delayMs: emptyMs } : { tasks: [...tasks], delayMs }
}

function place(task: Task, entry: Entry, plan: Plan): End {
  const options = { ...entry.options, ...task.options }
  const { of, places } = plan
  const found = places.get(task)
  if (found && (found.delayMs !== entry.delayMs || !sameOptions(found.options, options))) {
    throw new RuntimeError(
      'ERR_GRAPH',
      `${of}: task(${wireName(task.job)}) is used in two places with different delays or options; it is one step wherever it is used: call task() once for each step`,
    )
  }
  const placed = found ?? { after: new Set<Task>(), options, delayMs: entry.delayMs }
  plan.edges += entry.after.length
  if (plan.edges > maxEdges) throw tooWide(of)
  for (const parent of entry.after) placed.after.add(parent)
  places.set(task, placed)
  return { tasks: [task], delayMs: 0 }
}

function sameOptions(one: PartOptions, other: PartOptions): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof PartOptions>
  return [...names].every((name) => one[name] === other[name])
}

/** A cycle can only come from a task that stands at two places: the advice says so. */
function checked(of: string, graph: Graph): Graph {
  try {
    checkGraph(graph)
    return graph
  } catch (error) {
    const { message } = error as RuntimeError
    const own = graph.nodes.findIndex((node, index) => node.parents.some(({ from }) => from === index))
    const what = own >= 0 ? `cycle: ${nodeName(graph, own)} → ${nodeName(graph, own)}` : message.split(': expected')[0]
    throw new RuntimeError(
      'ERR_GRAPH',
      `${of}: ${what}: a task handle is one step wherever it is used, so it would wait for itself; call task() once for each step`,
    )
  }
}

function tooWide(of: string): RuntimeError {
  return new RuntimeError(
    'ERR_TOO_LARGE',
    `${of}: expected at most ${maxEdges} edges, got more: every member of a group waits for every member of the group before it; put one task between them`,
  )
}
