import { parseLossless } from '../../core/codec.ts'
import { duration, shown } from '../../core/duration.ts'
import { RuntimeError } from '../../core/errors.ts'
import { findNotJson } from '../../core/json-check.ts'
import { jsonText } from '../../core/json-text.ts'
import { customMemory, type MemoryBackend } from '../../jobs/memory-backend.ts'
import type { Channel } from './event-loop.ts'
import type { Assignment, MemoryRequest, ParentMessage } from '../../messages.ts'
import { keysWithIssues, schemaKeys } from '../../jobs/schema-keys.ts'
import { check, type StandardSchema } from '../../jobs/typed.ts'

/** The memory of a step's run, as the step's own process has it. */
export interface ChildMemory {
  /** `this.memory.get`: undefined for a key that is not there. */
  get(key: string): Promise<unknown>
  /** Visible to other steps at once, whatever becomes of this one. */
  set(key: string, value: unknown): Promise<void>
  /** Keeps the memory this long after the run's end at least; until then it stays anyway. */
  extendTtl(ttl: string | number): Promise<void>
  /** Values of keys, or of all there are. */
  read(keys?: readonly string[]): Promise<Record<string, unknown>>
  /** Takes the step's output, of which only an object is merged. @returns true when that was all there is to do; else the supervisor merges it with the step's end */
  keep(output: unknown): Promise<boolean>
  /** An answer of the supervisor is on its way. */
  readonly isAsking: boolean
  hear(message: Extract<ParentMessage, { type: 'memory' }>): void
}

/** The memory of an assignment's run, or undefined. */
export function memoryOf({ step }: Assignment, channel: Channel): ChildMemory | undefined {
  if (!step?.memory) return undefined
  const backend = customMemory()
  return backend ? new OwnMemory(step.workflowId, backend) : new AskedMemory(channel)
}

/** Asks the supervisor, which has a connection; a job's process needs none. */
class AskedMemory implements ChildMemory {
  readonly #channel: Channel
  readonly #waiting = new Map<
    number,
    { resolve: (values: Record<string, string>) => void; reject: (error: Error) => void }
  >()
  #asked = 0

  constructor(channel: Channel) {
    this.#channel = channel
  }

  async get(key: string): Promise<unknown> {
    return (await this.read([checkKey(key)]))[key]
  }

  async set(key: string, value: unknown): Promise<void> {
    await this.#ask({ verb: 'write', values: { [checkKey(key)]: jsonText(checkValue(key, value)) } })
  }

  async extendTtl(ttl: string | number): Promise<void> {
    await this.#ask({ verb: 'extend', ttlMs: duration(ttl, 'memory.extendTtl') })
  }

  async read(keys?: readonly string[]): Promise<Record<string, unknown>> {
    if (keys?.length === 0) return {}
    const texts = await this.#ask({ verb: 'read', ...(keys ? { keys: [...keys] } : {}) })
    return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, parseLossless(text)]))
  }

  get isAsking(): boolean {
    return this.#waiting.size > 0
  }

  async keep(): Promise<boolean> {
    return false
  }

  hear({ ask, values, error }: Extract<ParentMessage, { type: 'memory' }>): void {
    const waiting = this.#waiting.get(ask)
    this.#waiting.delete(ask)
    if (error !== undefined) waiting?.reject(new Error(error))
    else waiting?.resolve(values ?? {})
  }

  #ask(request: MemoryRequest): Promise<Record<string, string>> {
    this.#asked += 1
    const ask = this.#asked
    const answer = new Promise<Record<string, string>>((resolve, reject) => this.#waiting.set(ask, { resolve, reject }))
    this.#channel.send({ type: 'memory', ask, request })
    return answer
  }
}

/** A backend of the application's own, in this process. */
class OwnMemory implements ChildMemory {
  readonly isAsking = false
  readonly #runId: string
  readonly #backend: MemoryBackend

  constructor(runId: string, backend: MemoryBackend) {
    this.#runId = runId
    this.#backend = backend
  }

  async get(key: string): Promise<unknown> {
    return (await this.read([checkKey(key)]))[key]
  }

  set(key: string, value: unknown): Promise<void> {
    return this.#backend.write(this.#runId, { [checkKey(key)]: checkValue(key, value) })
  }

  async extendTtl(ttl: string | number): Promise<void> {
    await this.#backend.extendTtl?.(this.#runId, duration(ttl, 'memory.extendTtl'))
  }

  read(keys?: readonly string[]): Promise<Record<string, unknown>> {
    return this.#backend.read(this.#runId, keys)
  }

  async keep(output: unknown): Promise<boolean> {
    if (isMergeable(output)) await this.#backend.write(this.#runId, output)
    return true
  }

  hear(): void {
    // Nothing was asked of the supervisor.
  }
}

function checkKey(key: unknown): string {
  if (typeof key === 'string' && key !== '') return key
  throw new RuntimeError('ERR_ARGUMENT', `memory: expected a key, which is text, got ${shown(key)}`)
}

function checkValue(key: string, value: unknown): unknown {
  const bad = findNotJson(value, `memory.${key}`, { bigint: true })
  if (bad) throw new RuntimeError('ERR_NOT_JSON', bad)
  return value
}

/** Text, numbers and arrays have no keys: they are the step's output and no more. */
function isMergeable(output: unknown): output is Record<string, unknown> {
  return typeof output === 'object' && output !== null && !Array.isArray(output)
}

/** Reads keys of a run's memory, or all of it. */
type Read = (keys?: readonly string[]) => Promise<Record<string, unknown>>

/** A schema that does not tell its keys may want more once it has some: so many rounds, then its own check speaks. */
const rounds = 10

/**
 * A typed step's input: what it was given, then the run's memory; the schema's own defaults come after both. A schema
 * that tells its keys gets these; for another, all of memory is tried first, and then only keys that it asks for.
 */
export async function fillInput(schema: StandardSchema, given: unknown, read: Read): Promise<unknown> {
  if (given !== undefined && given !== null && (typeof given !== 'object' || Array.isArray(given))) return given
  const own = { ...given } as Record<string, unknown>
  const { names } = await schemaKeys(schema, 'input')
  if (names) return { ...(await read(names.filter((name) => own[name] === undefined))), ...own }
  const memory = await read()
  const all = { ...memory, ...own }
  if ((await check(schema, all)).ok) return all
  for (let round = 0; round < rounds; round += 1) {
    const wanted = [...(await keysWithIssues(schema, own)).keys()].filter(
      (key) => own[key] === undefined && Object.hasOwn(memory, key),
    )
    if (wanted.length === 0) break
    for (const key of wanted) own[key] = memory[key]
  }
  return own
}
