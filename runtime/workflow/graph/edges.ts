import { RuntimeError } from '../../core/errors.ts'
import type { JobDefinition } from '../../jobs/job.ts'
import { keysWithIssues, schemaKeys } from '../../jobs/schema-keys.ts'
import { schemaOf, type StandardSchema } from '../../jobs/typed.ts'
import { nodeName, topologicalOrder, type Graph } from './graph.ts'

/** A run about to be created, as far as its steps' inputs go. */
export interface EdgeCheck {
  /** Names the workflow in errors. */
  of: string
  graph: Graph
  /** Classes by wire name; a step whose class is not among them is not checked. */
  definitions: ReadonlyMap<string, JobDefinition>
  globals?: object
  /** Keys in the run's memory before it starts; undefined when it has no memory. */
  memory: readonly string[] | undefined
}

/** Keys that a step may find in memory; `undefined` when a step before it may have written anything. */
type Keys = ReadonlySet<string> | undefined

/** Steps named in one error. */
const shown = 5

/**
 * Refuses a run in which a typed step cannot begin: a value given to it does not fit its schema, or a required key can
 * come from nowhere (not from its params, the globals, a step before it, the memory the run begins with, or a default).
 * A step without an output schema may write any key, so what comes after it is not refused.
 * @throws RuntimeError ERR_SCHEMA naming every such step and key
 */
export async function checkEdges(check: EdgeCheck): Promise<void> {
  const { graph, definitions, of } = check
  const typed = graph.nodes.some(({ className }) => inputOf(definitions.get(className)))
  if (!typed) return
  const found = await keysBefore(check)
  const problems: string[] = []
  for (const [index, { className, params }] of graph.nodes.entries()) {
    const schema = inputOf(definitions.get(className))
    if (!schema) continue
    const given = { ...check.globals, ...(params as object | undefined) }
    for (const problem of await stepProblems(schema, given, found[index]))
      problems.push(`${nodeName(graph, index)}.${problem}`)
    if (problems.length > shown) break
  }
  if (problems.length === 0) return
  const where = check.memory
    ? 'its params, globals, a step before it, the run’s memory'
    : 'its params or globals (this workflow has no memory)'
  throw new RuntimeError(
    'ERR_SCHEMA',
    `${of}: ${problems.slice(0, shown).join('; ')}${problems.length > shown ? '; and more' : ''}. Expected every required input key to come from ${where}, or a default`,
  )
}

const inputOf = (definition: JobDefinition | undefined): StandardSchema | undefined =>
  definition && schemaOf(definition, 'input')

/** `key: what is wrong`, for one step. */
async function stepProblems(schema: StandardSchema, given: Record<string, unknown>, before: Keys): Promise<string[]> {
  const issues = await keysWithIssues(schema, given)
  const wrong = [...issues].filter(([key]) => given[key] !== undefined).map(([key, message]) => `${key}: ${message}`)
  const told = await schemaKeys(schema, 'input')
  const required = told.names === undefined ? [...issues.keys()] : told.required
  const missing = required.filter((key) => given[key] === undefined && before !== undefined && !before.has(key))
  return [...wrong, ...missing.map((key) => `${key}: required, but nothing provides it`)]
}

/** What each step may find in memory. Steps with the same parents share one set, so a wide fan-out costs its edges. */
async function keysBefore({ graph, definitions, memory }: EdgeCheck): Promise<Keys[]> {
  const none: Keys = new Set()
  if (memory === undefined) return graph.nodes.map(() => none)
  const start: Keys = new Set(memory)
  const gives = new Map<string, Keys>()
  for (const name of new Set(graph.nodes.map(({ className }) => className)))
    gives.set(name, await keysGiven(definitions.get(name)))
  const before: Keys[] = []
  const after = new Map<string, Keys>()
  const sets = new Map<Keys, number>()
  const numberOf = (keys: Keys): number => {
    const number = sets.get(keys) ?? sets.size
    sets.set(keys, number)
    return number
  }
  const unions = new Map<string, Keys>()
  const union = (parts: Set<Keys>): Keys => {
    const id = [...parts].map(numberOf).join(' ')
    if (!unions.has(id))
      unions.set(id, parts.has(undefined) ? undefined : new Set([...parts].flatMap((keys) => [...keys!])))
    return unions.get(id)
  }
  for (const index of topologicalOrder(graph)) {
    const { parents } = graph.nodes[index]!
    const parts = new Set<Keys>(parents.length === 0 ? [start] : [])
    for (const { from, when } of parents) {
      const own = when === 'failed' ? none : gives.get(graph.nodes[from]!.className)
      const id = `${numberOf(before[from])} ${numberOf(own)}`
      if (!after.has(id)) after.set(id, union(new Set([before[from], own])))
      parts.add(after.get(id))
    }
    before[index] = parts.size === 1 ? [...parts][0] : union(parts)
  }
  return before
}

/** Keys that a job leaves in memory: those of its output schema, and those it says it sets itself. */
async function keysGiven(definition: JobDefinition | undefined): Promise<Keys> {
  const schema = definition && schemaOf(definition, 'output')
  if (!definition || !schema) return undefined
  const { names, open } = await schemaKeys(schema, 'output')
  if (names === undefined || open) return undefined
  const provides = (definition as { provides?: readonly string[] }).provides ?? []
  return new Set([...names, ...provides])
}
