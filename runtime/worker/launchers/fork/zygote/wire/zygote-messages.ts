import type { AppSource } from '../../../../../jobs/app.ts'
import type { Manifest, Assignment } from '../../../../../messages.ts'
import type { BuiltFiles } from '../../app-build/app-build.ts'

/** What the zygote gets once, as a frame (frames.ts), before anything else; then come orders (orders.ts). */
export interface Boot {
  type: 'boot'
  source: AppSource
  /** The files to import in place of the sources; empty where node can load those. */
  built: BuiltFiles
  /** Unix socket of the supervisor, to which every connection leads. */
  socketPath: string
  /** Set in the environment of whatever the jobs start: by it the supervisor finds those that got away. */
  mark: string
  /** How many jobs a process may take, one after another. */
  jobsPerChild: number
  supervisorPid: number
}

/** What the zygote says once, as a frame; after `ready` come reports (report-format.ts). */
export type FromZygote =
  /** `forksAhead`: processes may be forked before their job is known; not where a beforeFork hook wants to know it. */
  | { type: 'ready'; manifest: Manifest; forksAhead: boolean; warnings: string[] }
  /** The application could not be loaded; `code` is that of a RuntimeError. */
  | { type: 'broken'; code: string; message: string }
  /** It was loaded, but must not be forked: why, and what to do about it, in plain words. */
  | { type: 'refused'; reason: string; cure: string }

/**
 * First bytes of each connection that the zygote makes to the supervisor's socket, a pair for each job process (connection-pairs.ts): the
 * launch that the pair was opened for, and which of the two it is, both 32 bit little-endian.
 */
export const HELLO_BYTES = 8
export const HELLO_MESSAGES = 0
export const HELLO_OUTPUT = 1

/** Descriptor of the control socket in the zygote. */
export const CONTROL_FD = 3

/** Exit codes of a child that could not become a job: it never said `started`. */
export const EXIT_LOOP_FORK = 99
export const EXIT_ORPHAN = 97

/**
 * What a supervisor tells its zygote once the application is loaded: four numbers of 32 bit, little-endian (kind,
 * launch, pair, bytes of text), then that much text, an assignment as JSON in UTF-8.
 */
export const ORDER_BYTES = 16

export const ORDER = {
  /** Fork a process and give it a connection pair. With an assignment where a beforeFork hook has to know it. */
  launch: 0,
  /** The same, with the pair reopened first. */
  launchOnNewPair: 1,
  /** Kill the process of a launch, of which the supervisor does not know the pid. */
  kill: 2,
  /** Report what lies unread in a pair, whose process has ended. */
  unread: 3,
} as const

export type OrderKind = (typeof ORDER)[keyof typeof ORDER]

/** One order, ready to be written. `launch`: the supervisor's number for one process. */
export function encodeOrder(kind: OrderKind, launch: number, pair = 0, assignment?: Assignment): Buffer {
  const text = assignment ? JSON.stringify(assignment) : ''
  const textBytes = Buffer.byteLength(text)
  const order = Buffer.allocUnsafe(ORDER_BYTES + textBytes)
  order.writeUInt32LE(kind, 0)
  order.writeUInt32LE(launch, 4)
  order.writeUInt32LE(pair, 8)
  order.writeUInt32LE(textBytes, 12)
  order.write(text, ORDER_BYTES)
  return order
}
