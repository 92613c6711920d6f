import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { formatBytes } from '../../core/size.ts'
import type { ChildMessage, MemoryEvidence, ParentMessage } from '../../messages.ts'

type Answer = Extract<ChildMessage, { type: 'snapshot' }>

/** V8 needs several times the heap's size to write one down, and seconds. */
const MAX_HEAP_BYTES = 128 << 20
const WITHIN_MS = 30_000
/** How many files a folder keeps. */
const KEPT = 5
const SUFFIX = '.heapsnapshot'

/** The heap snapshots of jobs with `memoryReport`: where they are written, how many, how large. */
export class HeapSnapshots {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * Has a process write one, and makes room for it. Never rejects, and takes {@link WITHIN_MS} at most.
   * @param ask sends the request, and resolves with the answer; with undefined when the process has ended
   */
  async take(jobId: string, ask: (message: ParentMessage) => Promise<Answer | undefined>): Promise<Snapshot> {
    const file = join(this.#folder, `${jobId}${SUFFIX}`)
    const partial = `${file}.partial`
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      const answer = await within(ask({ type: 'snapshot', file: partial, maxHeapBytes: MAX_HEAP_BYTES }))
      const fault = faultOf(answer)
      if (fault !== undefined) {
        await rm(partial, { force: true })
        return { reason: fault }
      }
      await rename(partial, file)
      await this.#removeOldest()
      return { file, bytes: (await stat(file)).size }
    } catch (thrown) {
      return { reason: (thrown as Error).message }
    }
  }

  /** Beyond the newest ones; a partial file of a worker that died is one of them. */
  async #removeOldest(): Promise<void> {
    const names = (await readdir(this.#folder)).filter((name) => name.includes(SUFFIX))
    const files = await Promise.all(
      names.map(async (name) => {
        const path = join(this.#folder, name)
        return {
          path,
          at: await stat(path).then(
            ({ mtimeMs }) => mtimeMs,
            () => 0,
          ),
        }
      }),
    )
    const old = files.sort((a, b) => b.at - a.at).slice(KEPT)
    await Promise.all(old.map(({ path }) => rm(path, { force: true })))
  }
}

type Snapshot = NonNullable<MemoryEvidence['snapshot']>

function faultOf(answer: Answer | undefined | 'late'): string | undefined {
  if (answer === 'late') return `it was not written within ${WITHIN_MS / 1000} s`
  if (answer === undefined) return 'the process ended before it was written'
  if (answer.fault !== undefined) return answer.fault
  if (answer.file !== undefined) return undefined
  return `the heap has ${formatBytes(answer.heapBytes ?? 0)}, and one of more than ${formatBytes(MAX_HEAP_BYTES)} is not written down`
}

function within<T>(answer: Promise<T>): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), WITHIN_MS)))
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}
