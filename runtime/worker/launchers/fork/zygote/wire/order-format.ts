import type { Assignment } from '../../../../../wire.ts'

/**
 * What a supervisor tells its zygote once the application is loaded: four numbers of 32 bit, little-endian (kind,
 * launch, line, bytes of text), then that much text, an assignment as JSON in UTF-8.
 */
export const ORDER_BYTES = 16

export const ORDER = {
  /** Fork a process and give it a line. With an assignment where a beforeFork hook has to know it. */
  launch: 0,
  /** The same, with the line reopened first. */
  launchOnNewLine: 1,
  /** Kill the process of a launch, of which the supervisor does not know the pid. */
  kill: 2,
} as const

export type OrderKind = (typeof ORDER)[keyof typeof ORDER]

/** One order, ready to be written. `launch`: the supervisor's number for one process. */
export function encodeOrder(kind: OrderKind, launch: number, line = 0, assignment?: Assignment): Buffer {
  const text = assignment ? JSON.stringify(assignment) : ''
  const textBytes = Buffer.byteLength(text)
  const order = Buffer.allocUnsafe(ORDER_BYTES + textBytes)
  order.writeUInt32LE(kind, 0)
  order.writeUInt32LE(launch, 4)
  order.writeUInt32LE(line, 8)
  order.writeUInt32LE(textBytes, 12)
  order.write(text, ORDER_BYTES)
  return order
}
