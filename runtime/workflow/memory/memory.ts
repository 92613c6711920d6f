import { clip } from '../../../config/clip.ts'
import { duration, shown, type Duration } from '../../core/duration.ts'
import { RuntimeError } from '../../core/errors.ts'
import { findNotJson } from '../../core/json-check.ts'
import { jsonText } from '../../core/json-text.ts'
import type { MemorySettings } from '../../messages.ts'
import { parseLossless } from '../../core/codec.ts'
import { defaultClient, defaultConfig } from '../../jobs/default-client.ts'
import { customMemory, useMemory, type MemoryBackend } from '../../jobs/memory-backend.ts'
import { notFound } from '../../store/runs/runs.ts'
import type { RunMemories } from '../../store/runs/memory.ts'

/**
 * How one workflow's memory is kept, over `memory` in config/runtime.yml.
 * @example
 * ```ts
 * const kept: MemoryOptions = { ttl: '7d', onConflict: 'error' }
 * const flow = workflow(task(ReportJob), { memory: kept })
 * ```
 */
export interface MemoryOptions {
  /** Its keys in Redis are `rt:mem:<prefix>:<run>`. */
  prefix?: string
  /** How long it outlives the run. */
  ttl?: Duration
  /** Two parallel steps write one key: the last wins, the second fails, or each writes `<step>.<key>`. */
  onConflict?: MemorySettings['onConflict'] | (string & {})
}

/** Of a run whose memory is not configured: a template's parameters need one. */
export const defaultMemory: MemorySettings = { prefix: 'memory', ttlMs: 86_400_000, onConflict: 'last' }

/**
 * A run's memory settings; undefined when it has none.
 * @param wanted true or options turn it on, false turns it off, undefined leaves it to the configuration
 * @throws RuntimeError ERR_ARGUMENT
 */
export function memorySettings(
  wanted: boolean | MemoryOptions | undefined,
  configured: MemorySettings | undefined,
): MemorySettings | undefined {
  if (wanted === false) return undefined
  if (wanted === undefined) return configured
  const { ttl, prefix, onConflict, ...others } = wanted === true ? {} : wanted
  const [other] = Object.keys(others)
  if (other !== undefined) throw wrong(other, 'one of prefix, ttl, onConflict', other)
  const base = configured ?? defaultMemory
  if (onConflict !== undefined && !isConflictRule(onConflict))
    throw wrong('onConflict', 'last, error or namespace', onConflict)
  if (prefix !== undefined && !/^[^\s{}]+$/.test(prefix)) throw wrong('prefix', 'text without spaces or braces', prefix)
  return {
    prefix: prefix ?? base.prefix,
    onConflict: onConflict ?? base.onConflict,
    ttlMs: ttl === undefined ? base.ttlMs : duration(ttl, 'memory.ttl'),
  }
}

const isConflictRule = (text: string): text is MemorySettings['onConflict'] =>
  ['last', 'error', 'namespace'].includes(text)

const wrong = (name: string, expected: string, got: unknown): RuntimeError =>
  new RuntimeError('ERR_ARGUMENT', `memory.${name}: expected ${expected}, got ${JSON.stringify(got)}`)

/** The most names that one object may bring. */
const maxKeys = 1000

/**
 * An object's members as JSON texts, ready to be merged; undefined members are left out.
 * @param what names it in errors
 * @throws RuntimeError ERR_ARGUMENT, ERR_NOT_JSON, ERR_TOO_LARGE
 */
export function memoryTexts(value: unknown, what: string): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `${what}: expected an object, whose keys go into the run's memory, got ${short(value)}`,
    )
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  if (members.length > maxKeys)
    throw new RuntimeError('ERR_TOO_LARGE', `${what}: expected at most ${maxKeys} keys, got ${members.length}`)
  for (const [key, member] of members) {
    const bad = findNotJson(member, `${what}.${key}`, { bigint: true })
    if (bad) throw new RuntimeError('ERR_NOT_JSON', bad)
  }
  return Object.fromEntries(members.map(([key, member]) => [key, jsonText(member)]))
}

function short(value: unknown): string {
  return clip(shown(value), 60)
}

/**
 * The shipped backend: one Redis hash a run, values as JSON. While the run is under way it does not expire; after that,
 * and for ids that no run has, it has a time to live that each use renews.
 * @example
 * ```ts
 * const settings = new RedisMemory({ prefix: 'settings' })
 * await settings.write('shop', { open: true })
 * ```
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

/**
 * The memory of any run, from outside: what its steps left, by its id.
 * @example
 * ```ts
 * await memory.write('0mb2k3x7f4q8', { words: 3 })
 * const { words } = await memory.read('0mb2k3x7f4q8', ['words'])
 * ```
 */
export const memory = {
  /** @throws RuntimeError ERR_NOT_FOUND when there is no such run, ERR_ARGUMENT, ERR_NOT_JSON, ERR_TOO_LARGE */
  write: async (runId: string, values: Record<string, unknown>): Promise<void> => {
    if (!(await defaultClient().store.runs.read.find(checkId(runId)))) throw notFound(runId)
    await backend().write(runId, values)
  },
  /** What the run's steps left, or the values of these keys; `{}` for a run without memory. @throws RuntimeError ERR_ARGUMENT, ERR_REDIS */
  read: (runId: string, keys?: readonly string[]): Promise<Record<string, unknown>> => backend().read(runId, keys),
  /** Removes all values of the run. @throws RuntimeError ERR_ARGUMENT, ERR_REDIS */
  clear: (runId: string): Promise<void> => backend().clear(runId),
  /** Uses another backend in this process; to be called in config/preload.ts, so that jobs have it, too. */
  use: useMemory,
}
