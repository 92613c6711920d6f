import { closeSync, openSync, readSync } from 'node:fs'
import { toError } from '../../core/errors.ts'
import { formatBytes } from '../../core/size.ts'
import type { JobEventLoop } from './event-loop.ts'

/** A process that has grown to so many times its size is not used again. */
const GROWTH = 2
/** Iterations of the event loop in which what a job has just closed is gone. */
const TICKS = 2

/** What a later job would meet, beside the environment. */
interface State {
  cwd: string | undefined
  umask: number
  listeners: string
}

/**
 * Sees what a job leaves behind in a process that is to take another job. Made when the process is ready for its first
 * job: after the afterFork hook, so that what that opens belongs to the process.
 */
export class ReuseCheck {
  readonly #loop: JobEventLoop | undefined
  readonly #before = stateNow()
  readonly #environment: EnvironmentWatch
  readonly #open: Map<string, number>
  /** Held open: it is read after every job. */
  readonly #children = openChildren()
  readonly #text = Buffer.alloc(4096)
  readonly #childrenBefore = this.#childrenBytes()
  readonly #rssBytes = process.memoryUsage.rss()
  #fault: string | undefined
  readonly #onFault = (error: unknown): void => void (this.#fault ??= toError(error).message)

  /** @param environment see {@link EnvironmentWatch} */
  constructor(loop: JobEventLoop | undefined, environment?: () => Uint8Array | undefined) {
    this.#loop = loop
    this.#environment = new EnvironmentWatch(environment)
    // Node opens each at its first use.
    void process.stdout
    void process.stderr
    this.#open = openResources()
    process.on('uncaughtExceptionMonitor', this.#onFault)
  }

  /** No job is looked after any more. */
  close(): void {
    process.off('uncaughtExceptionMonitor', this.#onFault)
    if (this.#children !== undefined) closeSync(this.#children)
  }

  /**
   * Why the process must not be used again, as what its job did; undefined where it may.
   * @param peakRssBytes the most that it has used
   */
  async find(peakRssBytes: number): Promise<string | undefined> {
    let opened = this.#opened()
    for (let tick = 0; tick < TICKS && opened !== undefined; tick += 1) {
      await nextTick()
      opened = this.#opened()
    }
    return this.#changed() ?? opened ?? this.#grown(peakRssBytes)
  }

  #changed(): string | undefined {
    const [before, now] = [this.#before, stateNow()]
    if (this.#fault !== undefined) return `had an error that nothing handled: ${this.#fault}`
    if (process.exitCode !== undefined) return 'set process.exitCode'
    if (now.cwd !== before.cwd) return 'changed its working directory'
    if (now.umask !== before.umask) return 'changed its umask'
    if (this.#environment.isChanged()) return 'changed process.env'
    if (now.listeners !== before.listeners) return 'listens to signals or to errors that nothing handles'
    return undefined
  }

  #opened(): string | undefined {
    const now = this.#loop ? this.#loop.released(openResources) : openResources()
    for (const [type, count] of now) if (count > (this.#open.get(type) ?? 0)) return `left something open (${type})`
    return this.#childrenBytes() === this.#childrenBefore ? undefined : 'left a process running'
  }

  /** Length of the list. */
  #childrenBytes(): number {
    if (this.#children === undefined) return 0
    try {
      return readSync(this.#children, this.#text, 0, this.#text.length, 0)
    } catch {
      // The job has closed it.
      return -1
    }
  }

  /** Reading the size takes longer than most else here: only where it can be too large. */
  #grown(peakRssBytes: number): string | undefined {
    if (peakRssBytes <= this.#rssBytes * GROWTH) return undefined
    const rssBytes = process.memoryUsage.rss()
    return rssBytes > this.#rssBytes * GROWTH ? `grew to ${formatBytes(rssBytes)}` : undefined
  }
}

/** Sees changes of `process.env`. */
class EnvironmentWatch {
  readonly #quick: () => Uint8Array | undefined
  readonly #object = process.env
  readonly #text = JSON.stringify(process.env)
  #bytes: Uint8Array | undefined

  /** @param quick bytes that differ after each change, until the next call; they may differ without one */
  constructor(quick: () => Uint8Array | undefined = () => undefined) {
    this.#quick = quick
    this.#bytes = copyOf(quick())
  }

  isChanged(): boolean {
    const bytes = this.#quick()
    if (process.env === this.#object && bytes && this.#bytes && Buffer.compare(bytes, this.#bytes) === 0) return false
    this.#bytes = copyOf(bytes)
    return JSON.stringify(process.env) !== this.#text
  }
}

const copyOf = (bytes: Uint8Array | undefined): Uint8Array | undefined => bytes && Uint8Array.from(bytes)

const nextTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function stateNow(): State {
  return {
    cwd: workingDirectory(),
    umask: process.umask(),
    listeners: listenersNow(),
  }
}

/** By event: whether a later job would meet who listens to it. */
const watched = new Map<string | symbol, boolean>()

function listenersNow(): string {
  let text = ''
  for (const name of process.eventNames()) {
    let isWatched = watched.get(name)
    if (isWatched === undefined)
      watched.set(name, (isWatched = /^(SIG|uncaughtException$|unhandledRejection$)/.test(String(name))))
    if (isWatched) text += `${String(name)} ${process.listenerCount(name)},`
  }
  return text
}

/** Undefined where the folder is gone. */
function workingDirectory(): string | undefined {
  try {
    return process.cwd()
  } catch {
    return undefined
  }
}

/** How many of each type keep the event loop alive. */
function openResources(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1)
  return counts
}

/** The kernel's list of this process's children; undefined without /proc. */
function openChildren(): number | undefined {
  try {
    return openSync(`/proc/self/task/${process.pid}/children`, 'r')
  } catch {
    return undefined
  }
}
