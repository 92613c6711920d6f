import type { Isolation } from '../../../config/isolations.ts'
import type { Logger } from '../../core/logger.ts'
import type { AppSource } from '../../jobs/app.ts'
import type {
  Assignment,
  ChildMessage,
  ClassManifest,
  Manifest,
  Outcome,
  ParentMessage,
  ZygoteFigures,
} from '../../messages.ts'

/**
 * How one job's process ended; where that waits for another job (`worker.jobsPerChild`) its exit code is 0. Every figure comes from the kernel where the launcher can ask it (wait4's rusage for `fork`),
 * else from the child's own last message; `undefined` means that it is unknown.
 */
export interface Ending {
  pid: number | undefined
  exitCode: number | null
  /** `SIGKILL`, …: the signal that ended the process, `null` when it left by itself. */
  signal: NodeJS.Signals | null
  /** What the job reported before it left. Absent when it died before it could report. */
  outcome?: Outcome | undefined
  /** How long the job ran until that, by its process's own clock. */
  ranMs?: number
  /** How much of that passed before its own code began: limits and the afterFork hook. */
  loadMs?: number | undefined
  /** False when the process died, or was given up, before it said `started`: the job's code has then not begun, and it may run elsewhere unharmed. */
  started: boolean
  /** The process that it was forked from died, and this one with it; how that one ended, such as `SIGKILL`. */
  lostParent?: string
  cpuUserMs?: number
  cpuSystemMs?: number
  peakRssBytes?: number
  /** The last lines the process printed on standard output and standard error, oldest first. */
  output: string[]
}

/** How to make the processes of jobs, forked or spawned. */
export interface ProcessOptions {
  source: AppSource
  log: Logger
  bootTimeoutMs: number
  /** How many jobs a process takes, one after another; 1 by default. */
  jobsPerChild?: number
  /** Where what jobs print goes; the supervisor's own standard output and error by default. */
  passOutput?: { out: (chunk: Buffer) => void; err: (chunk: Buffer) => void }
}

/** Standard output and error of the supervisor itself. */
export const OWN_OUTPUT: NonNullable<ProcessOptions['passOutput']> = {
  out: (chunk) => process.stdout.write(chunk),
  err: (chunk) => process.stderr.write(chunk),
}

/** What becomes of what jobs print: shown on the worker's own output (`inherit`), kept in their records (`capture`), or both. */
export type JobOutput = 'inherit' | 'capture' | 'both'

/** Where it goes when it is not shown. */
export const NOWHERE = { out: (): void => undefined, err: (): void => undefined }

/** What an ending has of the job's last message. */
export function endingFields(last: Extract<ChildMessage, { type: 'outcome' }>): Partial<Ending> {
  const { outcome, ranMs, loadMs, usage } = last
  return { outcome, ranMs, ...(loadMs === undefined ? {} : { loadMs }), ...usage }
}

/** Why a process that may run several jobs (`worker.jobsPerChild`) is not used again, for the log. */
export const notReusedText = (className: string, pid: number | undefined, why: string): string =>
  `process ${pid ?? ''} is not used again: ${className} ${why}`

/** One job process on its way. */
export interface LaunchedJob {
  /** Undefined until the process exists. */
  readonly pid: number | undefined
  /** Settles once, never rejects: whatever happens to the process, the answer is an {@link Ending}. */
  readonly ended: Promise<Ending>
  /** Sends a signal to the job's whole process group (for `inline`, TERM aborts the job's `signal`; KILL gives the job up). */
  kill(signal: 'SIGTERM' | 'SIGKILL'): void
  /** A message for the running job (`answer`, `cancel`). Dropped when the process has gone. */
  send(message: ParentMessage): void
}

/**
 * The contract of `inline`, `spawn` and `fork`; test/contracts/launcher.contract.ts runs one suite over all of them.
 * A launcher owns the processes that hold the application; the supervisor never loads application code itself.
 */
export interface Launcher {
  readonly name: Isolation
  /** What it forks from now; absent where it does not fork. */
  readonly zygote?: ZygoteFigures | undefined
  /** Loads the application and says what is in it. Rejects with an `ERR_APP_LOAD` RuntimeError that names file and line. */
  start(): Promise<Manifest>
  /** Starts one process for one job. Never throws: trouble arrives as an {@link Ending}. `onMessage` sees everything but the outcome. */
  launch(assignment: Assignment, onMessage: (message: ChildMessage) => void): LaunchedJob
  /** Reloads the application for later jobs; running jobs finish on the old one. Rejects (and keeps the old) when the new one cannot be loaded. */
  reload(): Promise<Manifest>
  /** Kills what still runs, and every process of the launcher's own; safe to call twice. */
  stop(): Promise<void>
}

/** A worker's launcher, and those of classes that ask for another isolation: each kind that is asked for has one. */
export class Launchers {
  readonly #main: Launcher
  readonly #make: ((isolation: Isolation) => Launcher | undefined) | undefined
  readonly #others = new Map<Isolation, Launcher>()

  /** @param make a launcher of another kind than `main`; undefined where there is none */
  constructor(main: Launcher, make?: (isolation: Isolation) => Launcher | undefined) {
    this.#main = main
    this.#make = make
  }

  /** Loads the application. @throws RuntimeError ERR_APP_LOAD */
  async start(): Promise<Manifest> {
    const manifest = await this.#main.start()
    for (const { isolation } of manifest.classes) {
      if (!isolation || isolation === this.#main.name || this.#others.has(isolation)) continue
      const other = this.#make?.(isolation)
      if (!other) continue
      this.#others.set(isolation, other)
      await other.start()
    }
    return manifest
  }

  /** Loads the application as it is now. @throws RuntimeError ERR_APP_LOAD: then the old one stays */
  async reload(): Promise<Manifest> {
    const manifest = await this.#main.reload()
    for (const other of this.#others.values()) await other.reload()
    return manifest
  }

  /** The launcher for a class; the worker's own where the class asks for none. */
  of(isolation: ClassManifest['isolation']): Launcher {
    return (isolation && this.#others.get(isolation)) ?? this.#main
  }

  async stop(): Promise<void> {
    for (const launcher of [this.#main, ...this.#others.values()]) await launcher.stop()
  }
}
