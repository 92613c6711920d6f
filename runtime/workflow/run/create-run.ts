import { head } from '../../../config/clip.ts'
import type { Clock } from '../../core/clock.ts'
import { RuntimeError } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import { findNotJson } from '../../core/json-check.ts'
import { jsonText } from '../../core/json-text.ts'
import { traceSend } from '../../jobs/telemetry.ts'
import { customMemory } from '../../jobs/memory-backend.ts'
import type { MemorySettings } from '../../messages.ts'
import type { NewNode } from '../../store/runs/run-table.ts'
import { checkKinds } from '../../store/runs/run-kinds.ts'
import type { NewRun, NodeKind } from '../../store/runs/run-writer.ts'
import type { Store } from '../../store/store.ts'
import { checkGraph, type Graph } from '../graph/graph.ts'
import { memoryTexts } from '../memory/memory.ts'

/** Where runs are created, and within which bounds. */
export interface RunTarget {
  store: Store
  clock: Clock
  /** From a run's end until it is removed, where nothing else is said. */
  ttlMs: number
  /** Of one node's params, and of the globals. */
  maxPayloadBytes: number
  /** How long the record of a cancelled job is kept. */
  recordTtlMs: number
  /** How runs keep their memory where nothing else is said; undefined: they have none. */
  memory?: MemorySettings | undefined
}

/** A run to create. */
export interface RunSpec {
  className: string
  graph: Graph
  /** Under every node's params. */
  globals?: object
  /** What it was created with, for people. */
  args?: readonly unknown[]
  ttlMs?: number
  /** At most one run of this name is under way. */
  unique?: string
  /** How its memory is kept, and what is in it before the first step; false: it has none; absent: as the target has it. */
  memory?: RunMemory | false
  /** More fields of the run's record. */
  fields?: Record<string, string>
}

/** A run's memory at its beginning. */
interface RunMemory {
  settings: MemorySettings
  values: Record<string, unknown>
}

/** The most text of a run's arguments that is kept to be shown. */
const shownArgs = 2000

/**
 * Creates a run of a graph, pending. Nothing of it is visible unless all of it is written.
 * @returns its id
 * @throws RuntimeError ERR_GRAPH, ERR_NOT_JSON, ERR_TOO_LARGE, ERR_STATE (a unique run is under way), ERR_REDIS
 */
export async function createRun({ store, clock, ...limits }: RunTarget, spec: RunSpec): Promise<string> {
  checkGraph(spec.graph)
  const { kinds, nodes } = storedNodes(spec, limits.maxPayloadBytes)
  const now = clock.now()
  const id = newId(now)
  const run: NewRun = {
    id,
    className: spec.className,
    kinds,
    nodes,
    ttlMs: spec.ttlMs ?? limits.ttlMs,
    ...(spec.unique === undefined ? {} : { unique: spec.unique }),
    ...(spec.globals === undefined
      ? {}
      : { globals: checkedText(spec.globals, `${spec.className}: globals`, limits.maxPayloadBytes) }),
    ...noted(spec),
  }
  const wanted = spec.memory ?? (limits.memory && { settings: limits.memory, values: {} })
  const memory = wanted && (await seeded(id, spec.className, wanted))
  try {
    const operation = { name: 'create', type: 'create', queue: spec.className, run: id } as const
    await traceSend(operation, (trace) => {
      const traced = trace ? kinds.map((kind) => ({ ...kind, options: { ...kind.options, trace } })) : kinds
      return store.runs.create({ ...run, kinds: traced, ...(memory ? { memory } : {}) }, now)
    })
  } catch (error) {
    if (memory) await customMemory()?.clear(id)
    throw error
  }
  return id
}

/** What a run's record says beside its graph: its arguments for people, of long ones the beginning and how long they were; its queue. */
function noted({ args = [], fields, graph: { queue } }: RunSpec): Pick<NewRun, 'args' | 'fields'> {
  const text = args.length === 0 ? '' : JSON.stringify(args, textOfBigInt)
  const own: Record<string, string> = {
    ...(text.length > shownArgs ? { args_bytes: String(Buffer.byteLength(text)) } : {}),
    ...(queue === undefined ? {} : { queue }),
  }
  return { ...(text === '' ? {} : { args: head(text, shownArgs) }), fields: { ...fields, ...own } }
}

/** For people: the arguments of `create` may be any values. */
const textOfBigInt = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)

/** What is in a run's memory before it can be started: in Redis it becomes visible with the run itself. */
async function seeded(
  id: string,
  className: string,
  { settings, values }: RunMemory,
): Promise<NonNullable<NewRun['memory']>> {
  const texts = memoryTexts(values, `${className}: memory`)
  const backend = customMemory()
  if (!backend) return { settings, values: texts }
  await backend.write(id, values)
  return { settings, values: {} }
}

/** A graph's nodes as they are stored: what they have in common is written once. */
function storedNodes({ className, graph }: RunSpec, maxBytes: number): { kinds: NodeKind[]; nodes: NewNode[] } {
  const kinds: NodeKind[] = []
  const byText = new Map<string, number>()
  const optionTexts = new Map<object, string>()
  const optionText = (options: object | undefined): string => {
    if (!options) return ''
    const known = optionTexts.get(options) ?? JSON.stringify(options)
    optionTexts.set(options, known)
    return known
  }
  const kindOf = (node: Graph['nodes'][number]): number => {
    const key = `${node.className}\n${node.queue}\n${node.waitMs ?? 0}\n${optionText(node.options)}`
    const found = byText.get(key)
    if (found !== undefined) return found
    const kind = {
      class: node.className,
      queue: node.queue,
      ...(node.waitMs ? { wait: node.waitMs } : {}),
      ...(node.options ? { options: node.options } : {}),
    }
    byText.set(key, kinds.push(kind) - 1)
    checkKinds(kinds.length, className)
    return kinds.length - 1
  }
  const nodes = graph.nodes.map((node): NewNode => ({
    kind: kindOf(node),
    parents: node.parents,
    ...(node.params === undefined
      ? {}
      : { params: checkedText(node.params, `${className}: params of ${node.className}`, maxBytes) }),
    ...(node.label === undefined ? {} : { label: node.label }),
  }))
  return { kinds, nodes }
}

function checkedText(value: unknown, what: string, maxBytes: number): string {
  const bad = findNotJson(value, 'it', { bigint: true })
  if (bad) throw new RuntimeError('ERR_NOT_JSON', `${what}: ${bad}`)
  const text = jsonText(value)
  const size = Buffer.byteLength(text)
  if (size <= maxBytes) return text
  throw new RuntimeError(
    'ERR_TOO_LARGE',
    `${what}: expected at most ${maxBytes} bytes, got ${size}; store the data elsewhere and pass its id, or raise limits.maxPayloadBytes`,
  )
}
