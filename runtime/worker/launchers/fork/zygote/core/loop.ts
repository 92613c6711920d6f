import type { Assignment } from '../../../../../messages.ts'
import { Children } from './children.ts'
import { leaveUnoptimized, methodsOf } from '../tuning/compile-ahead.ts'
import { markAllMemory } from '../tuning/fork-ranges.ts'
import { EINTR, errno, exitNow, fork, poll, setpgid, writeAll } from './libc.ts'
import { EnvironmentMark } from '../child-identity/environment-mark.ts'
import type { LateDescriptors } from './descriptors.ts'
import type { ConnectionPairs } from '../wire/connection-pairs.ts'
import { CONTROL_FD, ORDER } from '../wire/zygote-messages.ts'
import { Orders } from '../wire/orders.ts'
import { Orphans } from './orphans.ts'
import { REPORT, type ReportKind, REPORT_BYTES, USAGE_OFFSET } from '../wire/report-format.ts'

/** While orphans are about: nothing else tells when they end. */
const ORPHAN_CHECK_MS = 500

/** What a new child finds when {@link ZygoteLoop.run} returns in it. */
export interface NewChild {
  pair: number
  /** Undefined for a process that gets its assignment over its connections. */
  assignment: Assignment | undefined
  /** What beforeFork had against this job. */
  refused: Error | undefined
}

/**
 * The zygote's life after the application is loaded: wait for orders and for children to end, in poll(2), without ever
 * going back to the event loop. So no timer, socket, signal handler or promise of the application runs here. It makes
 * no objects either: what it writes to is copied at each fork, page by page.
 */
export class ZygoteLoop {
  readonly #report = new Report()
  readonly #children: Children
  readonly #orders = new Orders()
  readonly #orphans: Orphans
  readonly #mark: EnvironmentMark
  readonly #pairs: ConnectionPairs
  readonly #beforeFork: (assignment: Assignment) => Error | undefined
  readonly #mayLive = (mark: string): boolean => {
    const launch = this.#mark.launchOf(mark)
    return launch === undefined || this.#children.hasLaunch(launch)
  }
  #orphansAlive = 0

  /** `mark`: see Boot. `beforeFork` runs in the zygote before each fork whose job is known. */
  constructor(
    mark: EnvironmentMark,
    pairs: ConnectionPairs,
    late: LateDescriptors,
    beforeFork: (assignment: Assignment) => Error | undefined,
  ) {
    this.#children = new Children(CONTROL_FD, this.#report.usage, late)
    this.#mark = mark
    this.#pairs = pairs
    this.#beforeFork = beforeFork
    this.#orphans = new Orphans((pid) => this.#children.has(pid))
  }

  /** Returns in children only. The zygote itself leaves when the supervisor has closed the control socket. */
  run(): NewChild {
    // A child returns from here as the zygote never does: what was optimised for the zygote each child would undo.
    leaveUnoptimized([
      ...[ZygoteLoop, Children, Orders, Orphans, EnvironmentMark, Report].flatMap(methodsOf),
      ...[this.#reap, this.#obey, this.#launch, this.#tell, this.#mayLive],
    ])
    for (;;) {
      const set = this.#children.pollSet
      const count = poll(set, this.#children.pollCount, this.#orphansAlive > 0 ? ORPHAN_CHECK_MS : -1)
      if (count < 0 && errno() === EINTR) continue
      const readable = (set[1] as number) >>> 16 !== 0
      this.#reap()
      const born = readable ? this.#obey() : undefined
      if (born) return born
    }
  }

  /** In a child: closes what only the zygote may use, but for late descriptors. */
  forget(): void {
    this.#orphans.forget()
  }

  #reap(): void {
    const children = this.#children
    let ended = false
    while (children.reapEnded()) {
      ended = true
      // First, so that nothing that the job left writes to a pair that is another's.
      this.#orphansAlive = this.#orphans.sweep(this.#mayLive)
      const kind = this.#orphansAlive === 0 ? REPORT.exited : REPORT.exitedNotAlone
      this.#tell(kind, children.launch, children.pid, children.status)
    }
    if (!ended && this.#orphansAlive > 0) this.#orphansAlive = this.#orphans.sweep(this.#mayLive)
  }

  #obey(): NewChild | undefined {
    const orders = this.#orders
    if (!orders.read(CONTROL_FD)) this.#leave()
    while (orders.next()) {
      if (orders.kind === ORDER.unread) {
        this.#tell(REPORT.unread, orders.launch, 0, this.#pairs.unreadBytes(orders.pair))
        continue
      }
      if (orders.kind === ORDER.kill) this.#children.kill(orders.launch)
      else if (orders.kind === ORDER.launchOnNewPair) {
        const fault = this.#pairs.open(orders.pair, orders.launch)
        if (fault !== 0) {
          this.#tell(REPORT.noLine, orders.launch, 0, fault)
          continue
        }
      }
      const born = orders.kind === ORDER.kill ? undefined : this.#launch(orders.launch, orders.pair)
      if (born) return born
    }
    return undefined
  }

  #launch(launch: number, pair: number): NewChild | undefined {
    const assignment = this.#orders.assignment()
    const refused = assignment && this.#beforeFork(assignment)
    this.#mark.set(launch)
    if (!markAllMemory()) {
      this.#tell(REPORT.notMarked, launch, 0, 0)
      return undefined
    }
    const pid = fork()
    if (pid === 0) return { pair, assignment, refused }
    if (pid < 0) {
      this.#tell(REPORT.notForked, launch, 0, errno())
      return undefined
    }
    // The child does the same; whichever is first, a signal to the group reaches it from now on.
    setpgid(pid, pid)
    const fault = this.#children.add(pid, launch)
    if (fault !== 0) this.#tell(REPORT.notWatched, launch, pid, fault)
    return undefined
  }

  #tell(kind: ReportKind, launch: number, pid: number, status: number): void {
    if (!this.#report.write(CONTROL_FD, kind, launch, pid, status)) this.#leave()
  }

  /** The supervisor has gone, or does not need this zygote any more: no process is left. */
  #leave(): never {
    this.#children.killAll()
    this.#orphans.endAll()
    exitNow(0)
    throw new Error('unreachable')
  }
}

/** Writes reports from one piece of memory, again and again: new memory costs every fork. */
class Report {
  readonly #bytes = Buffer.alloc(REPORT_BYTES)
  /** Where wait4(2) puts its struct rusage. */
  readonly usage = this.#bytes.subarray(USAGE_OFFSET)

  /** False when the supervisor does not listen any more. `status`: see report-format.ts. */
  write(fd: number, kind: ReportKind, launch: number, pid: number, status: number): boolean {
    this.#bytes.writeUInt32LE(kind, 0)
    this.#bytes.writeUInt32LE(launch, 4)
    this.#bytes.writeInt32LE(pid, 8)
    this.#bytes.writeInt32LE(status, 12)
    return writeAll(fd, this.#bytes)
  }
}
