import type { AppSource } from '../../../jobs/app.ts'
import type { Assignment, Manifest } from '../../protocol.ts'
import type { BuiltFiles } from '../build/app-build.ts'

/** What the zygote is told once, before anything else. */
export interface Boot {
  type: 'boot'
  source: AppSource
  /** The files to import in place of the sources; empty where node can load those. */
  built: BuiltFiles
  /** Unix socket of the supervisor that every child connects to. */
  socketPath: string
  /** Set in the environment of whatever the jobs start: by it the supervisor finds those that got away. */
  mark: string
  supervisorPid: number
}

/** Fork one process. Without an assignment it is forked ahead, and waits to be told over its own socket. */
export interface Launch {
  type: 'launch'
  launch: number
  assignment?: Assignment
}

/** Supervisor to zygote, over the control socket. `launch` is the supervisor's number for one process. */
export type ToZygote = Boot | Launch

/** How one process ended, as wait4(2) told it. */
export interface Exited {
  type: 'exited'
  launch: number
  exitCode: number | null
  /** Number of the signal, null when it left by itself. */
  signal: number | null
  cpuUserMs: number
  cpuSystemMs: number
  /** Includes the pages it shared with the zygote. */
  peakRssBytes: number
}

/** Zygote to supervisor. */
export type FromZygote =
  /** `forksAhead`: processes may be forked before their job is known; not where a beforeFork hook wants to know it. */
  | { type: 'ready'; manifest: Manifest; forksAhead: boolean }
  /** The application could not be loaded; `code` is that of a RuntimeError. */
  | { type: 'broken'; code: string; message: string }
  /** It was loaded, but must not be forked: why, and what to do about it, in plain words. */
  | { type: 'refused'; reason: string; cure: string }
  | { type: 'forked'; launch: number; pid: number }
  | { type: 'unforked'; launch: number; reason: string }
  | Exited

/**
 * First bytes of each connection that a child makes to the supervisor's socket: its launch number and which of the
 * two it is, both 32 bit little-endian.
 */
export const HELLO_BYTES = 8
export const HELLO_MESSAGES = 0
export const HELLO_OUTPUT = 1

/** Descriptor of the control socket in the zygote. */
export const CONTROL_FD = 3

/** Exit codes of a child that could not become a job: it never said `started`. */
export const EXIT_LOOP_FORK = 99
export const EXIT_NO_CONNECTION = 98
export const EXIT_ORPHAN = 97
