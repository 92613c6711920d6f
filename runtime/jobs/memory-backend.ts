/**
 * Where runs keep their memory. The shipped one is a Redis hash; it alone merges a step's output in the same atomic step
 * as the step's end. Another is written just before that end, so a step that runs again writes again.
 * @example
 * ```ts
 * const values = new Map<string, Record<string, unknown>>()
 * const backend: MemoryBackend = {
 *   write: async (runId, given) => void values.set(runId, { ...values.get(runId), ...given }),
 *   read: async (runId) => values.get(runId) ?? {},
 *   clear: async (runId) => void values.delete(runId),
 * }
 * memory.use(backend)
 * ```
 */
export interface MemoryBackend {
  /** Merges an object's keys into a run's memory. */
  write(runId: string, values: Record<string, unknown>): Promise<void>
  /** Values of keys, or of all there are; keys that are not there are left out. */
  read(runId: string, keys?: readonly string[]): Promise<Record<string, unknown>>
  /** Forgets a run. */
  clear(runId: string): Promise<void>
  /** Keeps a run's memory this long at least; optional, for backends without a time to live. */
  extendTtl?(runId: string, ttlMs: number): Promise<void>
}

/** In the process as a whole: the application may have another copy of the package than the command that runs its jobs. */
const slot = Symbol.for('resque-runtime.memory')
const shared = globalThis as { [slot]?: MemoryBackend | undefined }

/** Uses a backend of the application's own in this process; undefined goes back to Redis. */
export function useMemory(backend: MemoryBackend | undefined): void {
  shared[slot] = backend
}

/** The application's own backend, where it has one. */
export function customMemory(): MemoryBackend | undefined {
  return shared[slot]
}
