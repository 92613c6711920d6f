import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { type ErrorCode, RuntimeError } from '../../../core/errors.ts'
import type { Logger } from '../../../core/logger.ts'
import { builtProgram } from '../../../core/package.ts'
import { startTimer } from '../../../core/clock.ts'
import type { Assignment, Manifest } from '../../../messages.ts'
import { identityOf, killMarked, signal, supervisorVariable } from '../../lease/dead-processes.ts'
import { OutputTail } from '../output-tail.ts'
import { untestedHere } from '../../../../config/machine.ts'
import type { Refusal } from './zygote/core/preflight-platform.ts'
import { encodeFrame, FrameReader } from './zygote/wire/frames.ts'
import { type Boot, type FromZygote, ORDER, encodeOrder } from './zygote/wire/zygote-messages.ts'
import { ReportReader, type Reported } from './zygote/wire/report-format.ts'
import type { ForkedJob, JobListeners } from './forked-job.ts'
import { ForkedProcess } from './forked-process.ts'
import { ConnectionPair } from './connection-pair.ts'

/**
 * See docs/fork.md: no workers, and few threads, since each is a stack to copy; node's own text in huge pages, and no
 * second copy of the builtins in it; a small new space; compiled code that a garbage collection leaves alone (a child
 * would have to compile it again); right `.ts` lines.
 */
const FLAGS = [
  '--no-flush-bytecode',
  '--single-threaded',
  '--v8-pool-size=1',
  '--use-largepages=silent',
  '--max-semi-space-size=4',
  '--no-short-builtin-calls',
  '--enable-source-maps',
]

/** After its end: for what it printed last. */
const LAST_OUTPUT_MS = 200

/** What to run and what to tell. */
export interface ZygoteOptions {
  boot: Omit<Boot, 'type' | 'supervisorPid'>
  bootTimeoutMs: number
  startedTimeoutMs: number
  /** How many processes to fork ahead, so that a job does not wait for its fork. */
  spares: number
  /** A number for each process of the launcher. */
  nextLaunch: () => number
  log: Logger
  passOutput: { out: (chunk: Buffer) => void; err: (chunk: Buffer) => void }
}

/** How its start ended. */
export type ZygoteStart = { manifest: Manifest } | { refusal: Refusal }

/** One zygote: a process that has loaded the application and forks on demand. */
export class ZygoteProcess {
  /** Settles when the application is loaded; rejects with ERR_APP_LOAD, or with what ended the process. */
  readonly started: Promise<ZygoteStart>
  /** Resolves when the process has ended, with all that it forked. */
  readonly gone: Promise<void>
  readonly #options: ZygoteOptions
  readonly #child: ChildProcess
  readonly #control: Socket
  readonly #tail = new OutputTail()
  readonly #processes = new Map<number, ForkedProcess>()
  /** Those that wait for a job: first those that have run one before, then those that were forked ahead. */
  #waiting: ForkedProcess[] = []
  /** Those that no process uses, open or not. */
  #pairs: ConnectionPair[] = []
  #pairCount = 0
  #forksAhead = false
  #retired = false
  #isGone = false
  #how = 'unknown'

  constructor(options: ZygoteOptions) {
    this.#options = options
    const { boot, passOutput } = options
    this.#child = spawn(process.execPath, [...FLAGS, builtProgram('zygote')], {
      cwd: boot.source.root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ESBUILD_WORKER_THREADS: '0', [supervisorVariable]: identityOf() },
    })
    this.#control = this.#child.stdio[3] as Socket
    this.#control.on('error', () => undefined)
    if (this.#child.stdout) this.#tail.follow(this.#child.stdout, passOutput.out)
    if (this.#child.stderr) this.#tail.follow(this.#child.stderr, passOutput.err)
    this.#child.once('exit', (code, name) => {
      this.#how = name ?? `exit code ${code}`
      this.#letGoOfHelpers()
    })
    this.gone = new Promise<void>((resolve) => this.#child.once('close', () => resolve())).then(() => this.#lost())
    this.started = this.#awaitStart()
    this.#control.write(encodeFrame({ type: 'boot', supervisorPid: process.pid, ...boot } satisfies Boot))
  }

  get pid(): number | undefined {
    return this.#child.pid
  }
  get isGone(): boolean {
    return this.#isGone
  }

  /** How its process ended: a signal, or an exit code. */
  get how(): string {
    return this.#how
  }

  /** Starts a job in a process that waits, else in one that is forked now. Trouble reaches it as its end. */
  take(assignment: Assignment, listeners: JobListeners): ForkedJob {
    const waiting = this.#waiting.shift()
    const forked = waiting ?? this.#fork(this.#forksAhead ? undefined : assignment)
    if (this.#waiting.length < this.#options.spares) setImmediate(() => this.#fillSpares())
    return waiting || this.#forksAhead ? forked.assign(assignment, listeners) : forked.expect(assignment, listeners)
  }

  /** `assignment`: where the zygote has to know it. */
  #fork(assignment?: Assignment): ForkedProcess {
    const { nextLaunch, startedTimeoutMs, log } = this.#options
    const pair = this.#pairs.pop() ?? new ConnectionPair(this.#pairCount++)
    const launch = nextLaunch()
    const forked = new ForkedProcess({
      ...{ launch, pair, startedTimeoutMs, log },
      killUnheard: () => void this.#control.write(encodeOrder(ORDER.kill, launch)),
      askUnread: () => void this.#control.write(encodeOrder(ORDER.unread, launch, pair.number)),
      onIdle: (idle) => (this.#retired ? idle.kill('SIGKILL') : void this.#waiting.unshift(idle)),
    })
    this.#processes.set(launch, forked)
    void forked.gone.then(() => {
      this.#processes.delete(launch)
      this.#waiting = this.#waiting.filter((other) => other !== forked)
      this.#pairs.push(pair)
      this.#leaveWhenIdle()
    })
    const kind = pair.isOpen ? ORDER.launch : ORDER.launchOnNewPair
    if (this.#isGone) forked.failed()
    else this.#control.write(encodeOrder(kind, launch, pair.number, assignment))
    return forked
  }

  /** A spare that ends by itself is not replaced at once, but with the next job: it may do so again and again. */
  #fillSpares(): void {
    if (!this.#forksAhead || this.#retired || this.#isGone) return
    while (this.#waiting.length < this.#options.spares) this.#waiting.push(this.#fork())
  }

  forked(launch: number): ForkedProcess | undefined {
    return this.#processes.get(launch)
  }

  /** No more launches: it leaves when its last job has ended. */
  retire(): Promise<void> {
    this.#retired = true
    for (const waiting of this.#waiting.splice(0)) waiting.kill('SIGKILL')
    this.#leaveWhenIdle()
    return this.gone
  }

  /** Ends it and all that it forked. */
  async stop(): Promise<void> {
    for (const forked of this.#processes.values()) forked.kill('SIGKILL')
    this.#control.end()
    const patience = setTimeout(() => this.kill(), 1000)
    await this.gone
    clearTimeout(patience)
  }

  /** Its children die with it. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #leaveWhenIdle(): void {
    if (this.#retired && this.#processes.size === 0) this.#control.end()
  }

  #awaitStart(): Promise<ZygoteStart> {
    return new Promise((resolve, reject) => {
      const { bootTimeoutMs } = this.#options
      const fail = (code: string, message: string): void => reject(new RuntimeError(code as ErrorCode, message))
      const timer = startTimer(() => {
        this.kill()
        fail(
          'ERR_APP_LOAD',
          `the application: expected to load within ${bootTimeoutMs} ms, it did not; is something waiting at import? (worker.bootTimeoutMs)`,
        )
      }, bootTimeoutMs)
      const reader = new FrameReader()
      const hearFirst = (chunk: Buffer): void => {
        const [message] = reader.push(chunk) as FromZygote[]
        if (!message) return
        timer.stop()
        this.#control.off('data', hearFirst)
        if (message.type === 'ready') {
          for (const warning of [...untestedHere(), ...message.warnings]) this.#options.log.warn(warning)
          this.#hearReports()
          this.#forksAhead = message.forksAhead
          this.#fillSpares()
          resolve({ manifest: message.manifest })
        } else if (message.type === 'refused') resolve({ refusal: { reason: message.reason, cure: message.cure } })
        else fail(message.code, message.message)
      }
      this.#control.on('data', hearFirst)
      this.#child.once('error', reject)
      this.#child.once('close', (code, name) => {
        timer.stop()
        const how = name ?? `exit code ${code}`
        reject(new Error(`the process that loads the application ended (${how}): ${this.#tail.lines().join(' | ')}`))
      })
    })
  }

  /** Nothing comes before the first order, so nothing follows `ready` in its chunk. */
  #hearReports(): void {
    const reader = new ReportReader()
    this.#control.on('data', (chunk: Buffer) => {
      for (const report of reader.push(chunk)) this.#hear(report)
    })
  }

  #hear(report: Reported): void {
    const forked = this.#processes.get(report.launch)
    if ('exited' in report) return forked?.exited(report.exited)
    if ('unreadBytes' in report) return forked?.unread(report.unreadBytes)
    this.#options.log.warn(`no process for a job: ${report.failure}`)
    forked?.failed()
  }

  /** What the application started while it was loaded may hold the zygote's output open: this is not waited for. */
  #letGoOfHelpers(): void {
    const { pid, stdout, stderr } = this.#child
    if (pid !== undefined) signal(-pid, 'SIGKILL')
    setTimeout(() => {
      for (const stream of [stdout, stderr, this.#control]) stream?.destroy()
    }, LAST_OUTPUT_MS)
  }

  /** Its children got SIGKILL from the kernel with it; what they had started did not. */
  #lost(): void {
    this.#isGone = true
    this.#control.destroy()
    for (const forked of this.#processes.values()) {
      if (forked.pid !== undefined) signal(-forked.pid, 'SIGKILL')
      forked.lost(this.#how)
    }
    for (const pair of this.#pairs) pair.close()
    killMarked(`${this.#options.boot.mark}:`)
  }
}
