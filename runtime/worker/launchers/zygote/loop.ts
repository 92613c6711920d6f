import type { Assignment } from '../../protocol.ts'
import { Children } from './children.ts'
import { markAllMemory } from './fork-ranges.ts'
import { FrameReader, encodeFrame } from './frames.ts'
import { EINTR, errno, exitNow, fork, poll, read, setpgid, writeAll } from './libc.ts'
import { JobMark } from './job-mark.ts'
import { CONTROL_FD, type FromZygote, type Launch, type ToZygote } from './messages.ts'
import { Orphans } from './orphans.ts'

const READ_BYTES = 64 * 1024
/** While orphans are about: nothing else tells when they end. */
const ORPHAN_CHECK_MS = 500

/** What a new child finds when {@link ZygoteLoop.run} returns in it. */
export interface Born {
  launch: number
  /** Undefined for a process that was forked ahead. */
  assignment: Assignment | undefined
  /** What beforeFork had against this job. */
  refused: Error | undefined
}

/**
 * The zygote's life after the application is loaded: wait for orders and for children to end, in poll(2), without ever
 * going back to the event loop. So no timer, socket, signal handler or promise of the application runs here.
 */
export class ZygoteLoop {
  readonly #children = new Children(CONTROL_FD)
  readonly #orphans: Orphans
  readonly #reader = new FrameReader()
  readonly #mark: JobMark
  readonly #bytes = Buffer.alloc(READ_BYTES)
  readonly #mayLive = (mark: string): boolean => {
    const launch = this.#mark.launchOf(mark)
    return launch === undefined || this.#running.has(launch)
  }
  readonly #beforeFork: (assignment: Assignment) => Error | undefined
  readonly #running = new Set<number>()
  #orphansAlive = 0

  /** `mark`: see Boot. `beforeFork` runs in the zygote before each fork. */
  constructor(mark: string, beforeFork: (assignment: Assignment) => Error | undefined) {
    this.#mark = new JobMark(mark)
    this.#beforeFork = beforeFork
    this.#orphans = new Orphans((pid) => this.#children.has(pid))
  }

  /** Returns in children only. The zygote itself leaves when the supervisor has closed the control socket. */
  run(): Born {
    for (;;) {
      const set = this.#children.pollSet
      const count = poll(set, set.length / 2, this.#orphansAlive > 0 ? ORPHAN_CHECK_MS : -1)
      if (count < 0 && errno() === EINTR) continue
      const readable = (set[1] as number) >>> 16 !== 0
      this.#reap()
      const born = readable ? this.#obey() : undefined
      if (born) return born
    }
  }

  /** In a child: closes what only the zygote may use. */
  forget(): void {
    this.#children.forget()
    this.#orphans.forget()
  }

  #reap(): void {
    const exits = this.#children.reapEnded()
    for (const exited of exits) {
      this.#running.delete(exited.launch)
      this.#send(exited)
    }
    if (exits.length > 0 || this.#orphansAlive > 0) this.#orphansAlive = this.#orphans.sweep(this.#mayLive)
  }

  #obey(): Born | undefined {
    const count = read(CONTROL_FD, this.#bytes, READ_BYTES)
    if (count < 0 && errno() === EINTR) return undefined
    if (count <= 0) this.#leave()
    for (const message of this.#reader.push(Buffer.from(this.#bytes.subarray(0, count))) as ToZygote[]) {
      const born = message.type === 'launch' ? this.#launch(message) : undefined
      if (born) return born
    }
    return undefined
  }

  #launch({ launch, assignment }: Launch): Born | undefined {
    const refused = assignment && this.#beforeFork(assignment)
    this.#mark.set(launch)
    let pid: number
    try {
      markAllMemory()
      pid = fork()
    } catch (error) {
      this.#send({ type: 'unforked', launch, reason: (error as Error).message })
      return undefined
    }
    if (pid === 0) return { launch, assignment, refused }
    if (pid < 0) {
      this.#send({ type: 'unforked', launch, reason: `fork failed with errno ${errno()}` })
      return undefined
    }
    // The child does the same; whoever comes first, a signal to the group reaches it from now on.
    setpgid(pid, pid)
    if (!this.#children.add(pid, launch)) this.#send({ type: 'unforked', launch, reason: 'pidfd_open failed' })
    else {
      this.#running.add(launch)
      this.#send({ type: 'forked', launch, pid })
    }
    return undefined
  }

  #send(message: FromZygote): void {
    if (!writeAll(CONTROL_FD, encodeFrame(message))) this.#leave()
  }

  /** The supervisor has gone, or wants no more of this zygote: nobody stays behind. */
  #leave(): never {
    this.#children.killAll()
    this.#orphans.endAll()
    exitNow(0)
    throw new Error('unreachable')
  }
}
