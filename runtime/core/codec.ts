import { RuntimeError } from './errors.ts'
import { findNotJson } from './json-check.ts'
import { rawMembers } from './raw-json.ts'

/** A queue item, read. `args` is the exact text of its arguments, since bytes of foreign payloads must survive. */
export interface Item {
  className: string
  /** JSON text of an array. */
  args: string
}

/** Why a queue item cannot be run: the error that its failed entry carries. */
export interface Garbage {
  garbage: string
}

/**
 * The bytes of a queue item: `{"class":"OkJob","args":[1,"two"]}`, in Resque's order and nothing more, since Ruby's
 * `dequeue` compares exact bytes (resque's `Job.create`). Trailing `undefined` arguments are left out.
 * @throws RuntimeError ERR_NOT_JSON with the path of the value, ERR_TOO_LARGE
 */
export function encodeItem(className: string, args: readonly unknown[], maxBytes: number): string {
  return `{"class":${JSON.stringify(className)},"args":${encodeArgs(className, args, maxBytes)}}`
}

/** The `args` part of {@link encodeItem}, with the same checks. */
export function encodeArgs(className: string, args: readonly unknown[], maxBytes: number): string {
  let length = args.length
  while (length > 0 && args[length - 1] === undefined) length -= 1
  const given = args.slice(0, length)
  const bad = findNotJson(given, 'args')
  if (bad) throw new RuntimeError('ERR_NOT_JSON', `${className}: ${bad}`)
  const text = JSON.stringify(given)
  const size = Buffer.byteLength(text)
  if (size > maxBytes) {
    throw new RuntimeError(
      'ERR_TOO_LARGE',
      `${className}: expected at most ${maxBytes} bytes of arguments, got ${size}; store the data elsewhere and pass its id, or raise limits.maxPayloadBytes`,
    )
  }
  return text
}

/**
 * Reads a queue item without changing a byte of its arguments. As in Resque, missing or null `args` are none and a
 * scalar is one argument; an object is one argument, too (Ruby would splat it into pairs, which no one means).
 */
export function decodeItem(bytes: string): Item | Garbage {
  let value: unknown
  try {
    value = JSON.parse(bytes)
  } catch (error) {
    return { garbage: `queue item is not JSON: ${(error as Error).message}` }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { garbage: `queue item: expected a JSON object with "class" and "args", got ${describe(value)}` }
  }
  const className = (value as { class?: unknown }).class
  if (typeof className !== 'string' || className === '') {
    return { garbage: `queue item: expected "class" to be a class name, got ${describe(className)}` }
  }
  const args = rawMembers(bytes).get('args')
  if (args === undefined || args === 'null') return { className, args: '[]' }
  return { className, args: args.startsWith('[') ? args : `[${args}]` }
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

const longInteger = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g
const marker = '\u0000integer:'

/** JSON.parse, except that whole numbers beyond 2^53 arrive as BigInt instead of being rounded. */
export function parseLossless(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text)
  const marked = text.replace(longInteger, (token) =>
    token.startsWith('"') || Number.isSafeInteger(Number(token)) ? token : JSON.stringify(marker + token),
  )
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(marker) ? BigInt(value.slice(marker.length)) : value,
  )
}
