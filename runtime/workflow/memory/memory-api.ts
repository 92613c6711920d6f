import { parseLossless } from '../../core/codec.ts'
import { duration, shown } from '../../core/duration.ts'
import { RuntimeError } from '../../core/errors.ts'
import { defaultClient, defaultConfig } from '../../jobs/default-client.ts'
import { customMemory, useMemory, type MemoryBackend } from '../../jobs/memory-backend.ts'
import { notFound } from '../../store/runs/runs.ts'
import type { RunMemories } from '../../store/runs/memory.ts'
import type { MemorySettings } from '../../wire.ts'
import { memorySettings, memoryTexts, type MemoryOptions } from './memory.ts'

/**
 * The shipped backend: one Redis hash a run, values as JSON. While the run is under way it does not expire; after that,
 * and for ids that no run has, it has a time to live that each use renews.
 */
export class RedisMemory implements MemoryBackend {
  readonly #options: Omit<MemoryOptions, 'onConflict'>

  /** @param options for ids that no run has; a run knows how its own memory is kept */
  constructor(options: Omit<MemoryOptions, 'onConflict'> = {}) {
    this.#options = options
  }

  async write(runId: string, values: Record<string, unknown>): Promise<void> {
    const { memories, place } = this.#open()
    await memories.write(checkId(runId), place, { values: memoryTexts(values, 'memory') })
  }

  async read(runId: string, keys?: readonly string[]): Promise<Record<string, unknown>> {
    const { memories, place } = this.#open()
    const { values } = await memories.read(checkId(runId), place, keys)
    return Object.fromEntries([...values].map(([key, text]) => [key, parseLossless(text)]))
  }

  async clear(runId: string): Promise<void> {
    const { memories, place } = this.#open()
    await memories.clear(checkId(runId), place)
  }

  async extendTtl(runId: string, ttl: number | string): Promise<void> {
    const { memories, place } = this.#open()
    await memories.extend(checkId(runId), place, duration(ttl, 'extendTtl'))
  }

  #open(): { memories: RunMemories; place: MemorySettings } {
    const place = memorySettings(this.#options, defaultConfig().memory) as MemorySettings
    return { memories: defaultClient().store.runs.memories, place }
  }
}

function checkId(id: unknown): string {
  if (typeof id === 'string' && id !== '') return id
  throw new RuntimeError('ERR_ARGUMENT', `memory: expected the id of a run, got ${shown(id)}`)
}

const inRedis = new RedisMemory()
const backend = (): MemoryBackend => customMemory() ?? inRedis

/** The memory of any run, from outside: what its steps left, by its id. */
export const memory = {
  /** @throws RuntimeError ERR_NOT_FOUND when there is no such run, ERR_ARGUMENT, ERR_NOT_JSON, ERR_TOO_LARGE */
  write: async (runId: string, values: Record<string, unknown>): Promise<void> => {
    if (!(await defaultClient().store.runs.read.find(checkId(runId)))) throw notFound(runId)
    await backend().write(runId, values)
  },
  read: (runId: string, keys?: readonly string[]): Promise<Record<string, unknown>> => backend().read(runId, keys),
  clear: (runId: string): Promise<void> => backend().clear(runId),
  /** Uses another backend in this process; to be called in config/preload.ts, so that jobs have it, too. */
  use: useMemory,
}
