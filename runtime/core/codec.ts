import { clip } from '../../config/clip.ts'
import { library } from '../../config/library.ts'
import { RuntimeError } from './errors.ts'
import { findNotJson } from './json-check.ts'
import { jsonText, rawMembers, skipBlank, skipString } from './json-text.ts'

/** A queue item, read. `args` is the exact text of its arguments, since bytes of foreign payloads must survive. */
export interface Item {
  className: string
  /** JSON text of an array. */
  args: string
}

/** Why a queue item cannot be run: the error that its failed entry carries. */
export interface UnreadableItem {
  reason: string
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
  const given = givenArgs(args)
  const bad = findNotJson(given, 'args', { bigint: true })
  if (bad) throw new RuntimeError('ERR_NOT_JSON', `${className}: ${bad}`)
  const text = jsonText(given)
  const size = Buffer.byteLength(text)
  if (size > maxBytes) {
    throw new RuntimeError(
      'ERR_TOO_LARGE',
      `${className}: expected at most ${maxBytes} bytes of arguments, got ${size}; store the data elsewhere and pass its id, or raise limits.maxPayloadBytes`,
    )
  }
  return text
}

/** Arguments without the undefined ones at their end: those that are written. */
export function givenArgs(args: readonly unknown[]): readonly unknown[] {
  return args.slice(0, args.findLastIndex((arg) => arg !== undefined) + 1)
}

/**
 * Reads a queue item without changing a byte of its arguments. As in Resque, missing or null `args` are none and a
 * scalar is one argument; an object is one argument, too (Ruby would splat it into pairs, which is never meant).
 */
export function decodeItem(bytes: string): Item | UnreadableItem {
  return decodeOurs(bytes) ?? decodeAny(bytes)
}

/** An item of the form that {@link encodeItem} writes; undefined for most others. */
function decodeOurs(bytes: string): Item | undefined {
  const [, className, args] = /^\{"class":"([\w:$.]+)","args":(\[.*\])\}$/s.exec(bytes) ?? []
  if (className === undefined || args === undefined) return undefined
  try {
    // One array and no more, so that no other member can follow it.
    JSON.parse(args)
    return { className, args }
  } catch {
    return undefined
  }
}

function decodeAny(bytes: string): Item | UnreadableItem {
  let value: unknown
  try {
    value = JSON.parse(bytes)
  } catch (error) {
    return { reason: `queue item is not JSON: ${(error as Error).message}` }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { reason: `queue item: expected a JSON object with "class" and "args", got ${describe(value)}` }
  }
  const className = (value as { class?: unknown }).class
  if (typeof className !== 'string' || className === '') {
    return { reason: `queue item: expected "class" to be a class name, got ${describe(className)}` }
  }
  const args = rawMembers(bytes).get('args')
  if (args === undefined || args === 'null') return { className, args: '[]' }
  return { className, args: args.startsWith('[') ? args : `[${args}]` }
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  return clip(JSON.stringify(value), 60)
}

/** Quotes and numbers: where a text is passed over, every digit belongs to a number. */
const tokens = /"|-?\d[\d.eE+-]*/g
const mark = '\u0000'
const escapedMark = String.raw`\u0000`

/**
 * JSON.parse, except that whole numbers beyond 2^53 arrive as BigInt instead of being rounded. Fractions and numbers with
 * an exponent arrive as JSON.parse reads them.
 */
export function parseLossless(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text)
  const marked = markIntegers(text)
  if (marked === undefined) return JSON.parse(text)
  return JSON.parse(marked, (_key, value: unknown) => {
    if (typeof value !== 'string' || !value.startsWith(mark)) return value
    return value.startsWith(mark, 1) ? value.slice(1) : BigInt(value.slice(1))
  })
}

/**
 * The same JSON with its long integers as texts that begin with a NUL; texts that began with one begin with two. Names of
 * members stay as they are.
 * @returns undefined when there are none
 */
function markIntegers(json: string): string | undefined {
  const pieces: string[] = []
  let [from, found] = [0, false]
  tokens.lastIndex = 0
  for (let token = tokens.exec(json); token; token = tokens.exec(json)) {
    const at = token.index
    if (token[0] === '"') {
      tokens.lastIndex = skipString(json, at)
      if (!json.startsWith(escapedMark, at + 1) || json[skipBlank(json, tokens.lastIndex)] === ':') continue
      pieces.push(json.slice(from, at + 1), escapedMark)
      from = at + 1
    } else if (/^-?\d{16,}$/.test(token[0]) && !Number.isSafeInteger(Number(token[0]))) {
      pieces.push(json.slice(from, at), `"${escapedMark}${token[0]}"`)
      from = tokens.lastIndex
      found = true
    }
  }
  return found ? pieces.join('') + json.slice(from) : undefined
}

/** SHA-1 of a text or bytes, in hex: names a queue item or an entry by its bytes, as Redis's Lua can, too. */
export const digestOf = (bytes: string | Uint8Array): string =>
  library('node:crypto').createHash('sha1').update(bytes).digest('hex')
