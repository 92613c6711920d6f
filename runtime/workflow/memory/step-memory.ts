import { parseLossless } from '../../core/codec.ts'
import { kindOf } from '../../store/runs/run-kinds.ts'
import { MemoryConflict, type MemoryWrite, type RunMemories } from '../../store/runs/memory.ts'
import type { RunReader } from '../../store/runs/run-reader.ts'
import type { MemoryRequest, MemorySettings, StepContext } from '../../messages.ts'
import { memoryTexts } from './memory.ts'

/** Whose memory. */
type MemoryOf = Pick<StepContext, 'workflowId' | 'nodeId' | 'memory'>

/** The memory of runs as their steps see it. */
export class StepMemory {
  readonly #memories: RunMemories
  readonly #reader: RunReader

  constructor(memories: RunMemories, reader: RunReader) {
    this.#memories = memories
    this.#reader = reader
  }

  /** What a step's end merges, from its output's JSON text: an object's keys, and nothing of any other value. @throws MemoryConflict, RuntimeError ERR_TOO_LARGE */
  async merge(step: MemoryOf, output: string): Promise<MemoryWrite | undefined> {
    const value: unknown = parseLossless(output)
    if (!step.memory || typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return this.#prepared(step, step.memory, memoryTexts(value, 'output'))
  }

  /** Answers a running step. @returns JSON texts by key for `read`, else nothing @throws MemoryConflict, Error when the step is another's now */
  async answer(step: MemoryOf, job: string, ask: MemoryRequest): Promise<Record<string, string>> {
    const { memory, workflowId } = step
    if (!memory) throw new Error(`run ${workflowId} has no memory`)
    switch (ask.verb) {
      case 'read':
        return Object.fromEntries(await this.#read(step, memory, ask.keys))
      case 'extend':
        await this.#memories.extend(workflowId, memory, ask.ttlMs)
        return {}
      case 'write': {
        const write = await this.#prepared(step, memory, ask.values)
        if (await this.#memories.write(workflowId, memory, write, { job, node: step.nodeId })) return {}
        throw new Error(`this step of run ${workflowId} now belongs to another job`)
      }
    }
  }

  async #prepared(
    step: MemoryOf,
    { onConflict, ...place }: MemorySettings,
    values: Record<string, string>,
  ): Promise<MemoryWrite> {
    if (onConflict === 'last') return { values }
    if (onConflict === 'namespace') {
      const name = await this.#stepName(step.workflowId, Number(step.nodeId))
      const named = Object.entries(values).map(([key, text]) => [key, `${name}.${key}`, text] as const)
      return {
        values: Object.fromEntries(named.map(([, full, text]) => [full, text])),
        by: Object.fromEntries(named.map(([key, full]) => [full, `${step.nodeId} ${key}`])),
      }
    }
    const { owners } = await this.#memories.read(step.workflowId, place, [], true)
    const keys = Object.keys(values)
    await this.#refuseParallel(step, keys, owners)
    return {
      values,
      by: Object.fromEntries(keys.map((key) => [key, step.nodeId])),
      expects: Object.fromEntries(keys.map((key) => [key, owners.get(key) ?? ''])),
    }
  }

  /** A key may be written over only by steps that come after its writer. */
  async #refuseParallel(
    { workflowId, nodeId }: MemoryOf,
    keys: readonly string[],
    owners: ReadonlyMap<string, string>,
  ): Promise<void> {
    const others = new Map(
      keys.flatMap((key) =>
        owners.has(key) && owners.get(key) !== nodeId ? [[Number(owners.get(key)), key] as const] : [],
      ),
    )
    if (others.size === 0) return
    for await (const level of ancestorLevels(this.#reader, workflowId, Number(nodeId))) {
      for (const ancestor of level) others.delete(ancestor)
      if (others.size === 0) return
    }
    for (const [other, key] of others) throw new MemoryConflict(key, await this.#stepName(workflowId, other))
  }

  async #read(
    { workflowId, nodeId }: MemoryOf,
    { onConflict, ...place }: MemorySettings,
    keys: readonly string[] | undefined,
  ): Promise<Map<string, string>> {
    if (onConflict !== 'namespace') return (await this.#memories.read(workflowId, place, keys)).values
    const { values, owners } = await this.#memories.read(workflowId, place, undefined, true)
    const written = new Map<string, Map<number, string>>()
    for (const [full, owner] of owners) {
      const [node = '', key = ''] = [owner.slice(0, owner.indexOf(' ')), owner.slice(owner.indexOf(' ') + 1)]
      written.set(key, (written.get(key) ?? new Map<number, string>()).set(Number(node), full))
    }
    const found = new Map<string, string>()
    for (const key of keys ?? [...values.keys(), ...written.keys()]) {
      const text = values.get(key)
      if (text !== undefined) found.set(key, text)
    }
    const open = new Map([...written].filter(([key]) => !keys || keys.includes(key)))
    const take = (level: readonly number[]): void => {
      for (const [key, writers] of open) {
        const near = level.filter((node) => writers.has(node))
        if (near.length === 0) continue
        open.delete(key)
        // Two at the same distance: neither is meant more than the other; they are asked for by their full names.
        if (near.length > 1) found.delete(key)
        else found.set(key, values.get(writers.get(near[0]!)!) ?? 'null')
      }
    }
    take([Number(nodeId)])
    if (open.size > 0) {
      for await (const level of ancestorLevels(this.#reader, workflowId, Number(nodeId))) {
        take(level)
        if (open.size === 0) break
      }
    }
    return found
  }

  /** A step for people and for namespaces: its label or class, with its number where several share it. */
  async #stepName(runId: string, index: number): Promise<string> {
    const [labels, kinds, rows, tally] = await Promise.all([
      this.#reader.labels(runId),
      this.#reader.kinds(runId),
      this.#reader.nodesAt(runId, [index]),
      this.#reader.tally(runId),
    ])
    const label = labels.get(String(index))
    if (label !== undefined) return label
    const name = kindOf(kinds, rows[0]).class
    const count = Object.values(tally.get(name) ?? {}).reduce((sum, n) => sum + n, 0)
    return count > 1 ? `${name}#${index}` : name
  }
}

/** Ancestors of a node, nearest first: its parents, then theirs … Each node comes once, at its nearest. */
async function* ancestorLevels(reader: RunReader, runId: string, index: number): AsyncGenerator<number[]> {
  const seen = new Set([index])
  let level = [index]
  while (level.length > 0) {
    const rows = await reader.nodesAt(runId, level)
    const edges = await Promise.all(rows.map((row) => reader.parents(runId, row)))
    level = [...new Set(edges.flat().map((edge) => edge.from))].filter((from) => !seen.has(from))
    for (const from of level) seen.add(from)
    if (level.length > 0) yield level
  }
}
