import { version } from '../core/package.ts'
import type { Assignment } from '../messages.ts'

/** The worker's name, for the titles of its processes, which inherit it. */
export const nameVariable = 'RUNTIME_WORKER_NAME'

/**
 * A process title, with the worker's name where it has one. It begins as Resque's own do, since a Ruby worker on the same host reads `ps` and takes a worker
 * whose title does not match `resque-<digit>` for dead (resque's Worker#worker_pids).
 */
export function title(text: string): string {
  const name = process.env[nameVariable]
  return `resque-${version}: ${name === undefined ? '' : `${name}: `}${text}`
}

/** Of a job's process: `resque-0.1.0: Processing high since 1763762774 [ReminderJob]`. */
export function jobTitle(assignment: Assignment): string {
  return title(`Processing ${assignment.queue} since ${Math.floor(Date.now() / 1000)} [${assignment.className}]`)
}

/** Of a supervisor, in Resque's words. */
export function workerTitle(
  paused: boolean,
  pids: readonly number[],
  queues: readonly string[],
  nowMs: number,
): string {
  if (paused) return title('Paused')
  return title(
    pids.length > 0 ? `Forked ${pids.join(',')} at ${Math.floor(nowMs / 1000)}` : `Waiting for ${queues.join(',')}`,
  )
}

/** Shortest time between two titles: each costs a syscall, and people look at them. */
const TITLE_EVERY_MS = 100

/** The title of this process. */
export class ProcessTitle {
  readonly #describe: () => string
  #isDue = false
  #shownAtMs = -Infinity

  constructor(describe: () => string) {
    this.#describe = describe
  }

  /** Something has changed. */
  show(): void {
    if (this.#isDue) return
    this.#isDue = true
    setTimeout(() => this.#set(), Math.max(0, this.#shownAtMs + TITLE_EVERY_MS - performance.now())).unref()
  }

  #set(): void {
    this.#isDue = false
    this.#shownAtMs = performance.now()
    process.title = this.#describe()
  }
}
