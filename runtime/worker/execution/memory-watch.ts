import pidusage from 'pidusage'
import { machine } from '../../../config/machine.ts'
import type { MemoryEvidence, MemoryFigures } from '../../messages.ts'

/** How often a job with a limit is measured. */
const everyMs = 250
/** pidusage keeps a descriptor for each process that it has seen lately. */
const forgottenAfterMs = 5000
/** From this share of the limit on, the process is asked for its own figures at each look. */
const NEAR = 0.5
const LOOKS_KEPT = 8
const PROCESSES_SHOWN = 8

/** What a {@link MemoryWatch} needs. */
export interface MemoryWatchOptions {
  pid: number
  limitBytes: number
  /** Asks the process for its own figures; the answer, if there is one, goes to `heard`. */
  ask: () => void
  /** Called once when the tree uses more than the limit. */
  onOver: () => void
}

/** Watches the resident set of a job's process tree, and remembers the last looks. */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions
  #timer: NodeJS.Timeout
  #stopped = false
  #peakBytes = 0
  readonly #looks: { at: number; byPid: Map<number, number>; bytes: number }[] = []
  #figures: { at: number; figures: MemoryFigures } | undefined

  constructor(options: MemoryWatchOptions) {
    this.#options = options
    this.#timer = this.#later()
  }

  /** The highest sum seen. */
  get peakBytes(): number {
    return this.#peakBytes
  }

  /** The process was heard at or after the last look, so its event loop runs. */
  get isAnswered(): boolean {
    return this.#figures !== undefined && this.#figures.at >= (this.#looks.at(-1)?.at ?? 0)
  }

  heard(figures: MemoryFigures): void {
    this.#figures = { at: performance.now(), figures }
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  /** What is known of a job that was over its limit. */
  evidence(): MemoryEvidence {
    const last = this.#looks.at(-1)
    const endedAt = last?.at ?? 0
    const processes = [...(last?.byPid ?? [])].map(([pid, rssBytes]) => ({ pid, rssBytes }))
    return {
      limitBytes: this.#options.limitBytes,
      looks: this.#looks.map(({ at, bytes }) => ({ beforeMs: Math.round(endedAt - at), rssBytes: bytes })),
      ...(processes.length > 1 ? { processes: processes.slice(0, PROCESSES_SHOWN) } : {}),
      ...(this.#figures
        ? { own: { beforeMs: Math.max(0, Math.round(endedAt - this.#figures.at)), ...this.#figures.figures } }
        : {}),
    }
  }

  async #look(): Promise<void> {
    const { pid, limitBytes, ask, onOver } = this.#options
    const byPid = new Map([...(await treeUsage(pid))].map(([one, { memory }]) => [one, memory]))
    if (this.#stopped) return
    const bytes = [...byPid.values()].reduce((sum, one) => sum + one, 0)
    this.#peakBytes = Math.max(this.#peakBytes, bytes)
    this.#looks.push({ at: performance.now(), byPid, bytes })
    if (this.#looks.length > LOOKS_KEPT) this.#looks.shift()
    if (bytes > limitBytes * NEAR) ask()
    if (bytes > limitBytes) {
      this.#stopped = true
      onOver()
    } else this.#timer = this.#later()
  }

  #later(): NodeJS.Timeout {
    return setTimeout(() => void this.#look(), everyMs)
  }
}

/** What a process and each below it uses, in percent of a processor since the last look and resident bytes; empty when it has gone. */
export async function treeUsage(pid: number): Promise<Map<number, { cpu: number; memory: number }>> {
  const stats = await pidusage(withDescendants(pid), { maxage: forgottenAfterMs }).catch(() => ({}))
  const known = Object.entries(stats) as [string, { cpu?: number; memory?: number } | null][]
  return new Map(known.map(([one, figures]) => [Number(one), { cpu: figures?.cpu ?? 0, memory: figures?.memory ?? 0 }]))
}

/** The kernel lists a process's children by thread; elsewhere than on Linux only the process itself is measured. */
function withDescendants(pid: number): number[] {
  const below = (machine.file(`/proc/${pid}/task/${pid}/children`) ?? '').trim()
  return [pid, ...(below === '' ? [] : below.split(' ').flatMap((child) => withDescendants(Number(child))))]
}
