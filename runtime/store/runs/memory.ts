import { type Connection, pairsOf, scriptJson } from '../connection/connection.ts'
import type { MemorySettings } from '../../messages.ts'

/** Names and JSON texts to write. */
export interface MemoryWrite {
  values: Record<string, string>
  /** Who writes each name, where conflicts are watched. */
  by?: Record<string, string>
  /** The node that had written it when the writer looked, '' for none. */
  expects?: Record<string, string>
}

/** Two parallel steps wrote the same name, and the run does not allow it. */
export class MemoryConflict extends Error {
  override name = 'MemoryConflict'

  /** @param key the name; @param other the step that wrote it, where that is known */
  constructor(key: string, other?: string) {
    super(
      `memory: key ${JSON.stringify(key)} was written by ${other ?? 'another step'}, which does not come before this one; return another key, or set memory.onConflict to last or namespace`,
    )
  }
}

/** The `memory` field of a run. */
export const memoryField = ({ onConflict, ttlMs, prefix }: MemorySettings): string => `${onConflict} ${ttlMs} ${prefix}`

/** The other way; undefined for a run without memory. */
export function readMemoryField(text: string): MemorySettings | undefined {
  const [, onConflict, ttlMs, prefix] = /^(last|error|namespace) (\d+) (.+)$/.exec(text) ?? []
  if (prefix === undefined) return undefined
  return { onConflict: onConflict as MemorySettings['onConflict'], ttlMs: Number(ttlMs), prefix }
}

/** Where a memory is: a run's own settings are over these. */
export type MemoryPlace = Pick<MemorySettings, 'prefix' | 'ttlMs'>

/** Memory of runs, one Redis hash each. Settings are for ids that no run has; a run knows its own. */
export class RunMemories {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Merges into a memory.
   * @param owner the job and node that write; when the node is no longer the job's, nothing is written
   * @returns false when it was not
   * @throws MemoryConflict
   */
  async write(
    id: string,
    { prefix, ttlMs }: MemoryPlace,
    { values, by = {}, expects = {} }: MemoryWrite,
    owner: { job: string; node: string } = { job: '', node: '' },
  ): Promise<boolean> {
    const texts = { values: scriptJson(values), by: scriptJson(by), expects: scriptJson(expects) }
    const [word, key = ''] = (await this.#connection.run('memory-write', {
      id,
      prefix,
      ttlMs,
      ...owner,
      ...texts,
    })) as string[]
    if (word === 'conflict') throw new MemoryConflict(key)
    return word === 'ok'
  }

  /** JSON texts of names, or of all there are; `owners` says who wrote each, where conflicts are watched. */
  async read(
    id: string,
    { prefix, ttlMs }: MemoryPlace,
    names?: readonly string[],
    withOwners = false,
  ): Promise<{ values: Map<string, string>; owners: Map<string, string> }> {
    const flags = { all: names === undefined ? 1 : 0, owners: withOwners ? 1 : 0 }
    const reply = await this.#connection.run('memory-read', { id, prefix, ttlMs, ...flags }, names)
    const [values, owners] = reply as [string[], string[]]
    return { values: new Map(pairsOf(values)), owners: new Map(pairsOf(owners)) }
  }

  /** Empties a memory. */
  async clear(id: string, { prefix, ttlMs }: MemoryPlace): Promise<void> {
    await this.#connection.run('memory-clear', { id, prefix, ttlMs })
  }

  /** Keeps a memory this long after its run's end at least. */
  async extend(id: string, { prefix }: MemoryPlace, ttlMs: number): Promise<void> {
    await this.#connection.run('memory-extend', { id, prefix, ttlMs })
  }
}
