import { inspect } from 'node:util'
import { clip, wholeCharacters } from '../../../config/clip.ts'
import { isA, toError } from '../../core/errors.ts'
import { isOwnCode } from '../../core/package.ts'
import type { ErrorRecord } from '../../messages.ts'

/** Frames of the runtime itself say nothing to a user; Resque cuts its own off, too (failure/base.rb). */
const isRuntimes = (frame: string): boolean => isOwnCode(frame) || frame.includes('node:internal/process/task_queues')

const MAX_LINES = 200
const MAX_MESSAGE = 10_000
const MAX_NAME = 200
const MAX_FIELD = 300
const MAX_FIELDS = 20
/** Causes and inner errors below an error, and inner errors beside one another. */
const MAX_DEPTH = 5
const MAX_INNER = 10

/**
 * Whatever was thrown as data: its name, its message, the frames above the runtime's own; then its own fields that are
 * plain values, its causes and inner errors, each with its frames. Never throws, whatever was thrown.
 */
export function errorRecord(thrown: unknown): ErrorRecord {
  const code = read(thrown, 'code')
  return {
    name: nameOf(thrown),
    message: messageOf(thrown),
    backtrace: [...frames(thrown), ...fields(thrown), ...below(thrown, [])].slice(0, MAX_LINES),
    ...(typeof code === 'string' ? { code: shortened(code, MAX_NAME) } : {}),
  }
}

/** The error of an end that could not be recorded, because of `thrown`; what the job itself failed of stands below. */
export function unrecordableError(thrown: unknown, own: ErrorRecord | undefined): ErrorRecord {
  const error = errorRecord(toError(thrown))
  const below = own ? [`while this was recorded: ${own.name}: ${own.message}`, ...own.backtrace] : []
  return { ...error, backtrace: [...error.backtrace, ...below] }
}

/** As the record of a job keeps it: JSON text with the first frames. */
export function errorText({ name, message, backtrace }: ErrorRecord): string {
  return JSON.stringify({ name, message, backtrace: backtrace.slice(0, 20) })
}

/** A property of anything, undefined where reading it throws. */
function read(thrown: unknown, property: string): unknown {
  try {
    return (thrown as Record<string, unknown> | null | undefined)?.[property]
  } catch {
    return undefined
  }
}

/** A class of the user's own that sets no `name` still has one. */
function nameOf(thrown: unknown): string {
  const name = read(thrown, 'name')
  const className = read(read(thrown, 'constructor'), 'name')
  const isOwn = typeof className === 'string' && className !== '' && className !== 'Object'
  if (!isA(thrown, Error)) return typeof name === 'string' && name !== '' ? shortened(name, MAX_NAME) : 'Error'
  if (typeof name === 'string' && name !== '' && (name !== 'Error' || !isOwn)) return shortened(name, MAX_NAME)
  return isOwn ? shortened(className, MAX_NAME) : 'Error'
}

function messageOf(thrown: unknown): string {
  if (typeof thrown === 'string') return shortened(thrown, MAX_MESSAGE)
  const message = read(thrown, 'message')
  if (typeof message === 'string') return shortened(message, MAX_MESSAGE)
  const shown = message === undefined ? thrown : message
  return shortened(`${isA(thrown, Error) ? 'its message is not text' : 'thrown value'}: ${show(shown)}`, MAX_MESSAGE)
}

function show(value: unknown): string {
  try {
    return inspect(value, { depth: 2, breakLength: Infinity, maxArrayLength: 20, maxStringLength: MAX_FIELD })
  } catch {
    return 'a value that cannot be shown'
  }
}

function frames(thrown: unknown): string[] {
  const stack = read(thrown, 'stack')
  const lines = (typeof stack === 'string' ? stack : '').split('\n').filter((line) => /^\s+at /.test(line))
  const end = lines.findLastIndex((line) => !isRuntimes(line)) + 1
  return (end > 0 ? lines.slice(0, end) : lines).map((line) => wholeCharacters(line.trim().replace('file://', '')))
}

const SHOWN_OTHERWISE = new Set(['name', 'message', 'stack', 'cause', 'errors'])

/** Plain values only: what hangs below an error, such as a request with its headers, may hold secrets. */
function fields(thrown: unknown): string[] {
  if (typeof thrown !== 'object' || thrown === null) return []
  let names: string[] = []
  try {
    names = Object.keys(thrown)
  } catch {
    // a proxy that throws
  }
  return names
    .filter((name) => !SHOWN_OTHERWISE.has(name))
    .slice(0, MAX_FIELDS)
    .flatMap((name) => {
      const value = read(thrown, name)
      return ['string', 'number', 'boolean', 'bigint'].includes(typeof value)
        ? [shortened(`with ${name}: ${String(value)}`.replace(/\s+/g, ' '), MAX_FIELD)]
        : []
    })
}

/** What it was caused by, and what an AggregateError gathers. */
function below(thrown: unknown, above: readonly unknown[]): string[] {
  if (above.length >= MAX_DEPTH || above.includes(thrown)) return []
  const chain = [...above, thrown]
  const cause = read(thrown, 'cause')
  const inner = read(thrown, 'errors')
  const errors: unknown[] = Array.isArray(inner) ? inner.slice(0, MAX_INNER) : []
  return [
    ...(cause === undefined || cause === null ? [] : part('caused by', cause, chain)),
    ...errors.flatMap((error, index) => part(`error ${index + 1} of ${(inner as unknown[]).length}:`, error, chain)),
  ]
}

function part(role: string, error: unknown, chain: readonly unknown[]): string[] {
  const title = `${role} ${nameOf(error)}: ${messageOf(error)}`
  if (chain.includes(error)) return [`${title} (the same as above)`]
  return [title, ...frames(error), ...fields(error), ...below(error, chain)]
}

function shortened(text: string, length: number): string {
  return text.length > length ? `${clip(text, length)} (${text.length} characters)` : wholeCharacters(text)
}

/** Resque's words for a class that is not there (a NameError), with what to do. */
export function unknownClass(name: string): ErrorRecord {
  return {
    name: 'NameError',
    message: `uninitialized constant ${name}: no job of this name is exported under the jobs folders`,
    backtrace: [],
  }
}
