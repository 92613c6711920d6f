import { clipLine as clip, printable } from '../config/clip.ts'
import { hasCode, toError, withCode } from '../runtime/core/errors.ts'

/*
 * All that commands write goes through `line`, `table`, `json` and `complain`: messages, names, arguments and logs come
 * from jobs and from Redis, and must not control the terminal.
 */

/** What a command writes to: `process`, or what a test reads. */
export interface Output {
  stdout: Writer
  stderr: Writer
}

interface Writer {
  write(text: string): unknown
  /** Is it a terminal? */
  isTTY?: boolean
  /** Of a terminal: how wide. */
  columns?: number
}

let current: Output = process
let wide = false

/** From now on all goes there. */
export function writeTo(output: Output): void {
  current = output
}

/** Where all goes. */
export const output = (): Output => current

/** Shows tables whole from now on, however wide the terminal is: `--wide`. */
export function showWide(whole: boolean): void {
  wide = whole
}

/** Whether tables are shown whole. */
export const isWide = (): boolean => wide

/** Writes a line to standard output. */
export function line(text = ''): void {
  current.stdout.write(`${printable(text)}\n`)
}

/** Writes a line to standard error. */
export function printError(text: string): void {
  current.stderr.write(`${printable(text)}\n`)
}

/** Writes JSON, for `--json`; a BigInt as the integer that it is. */
export function json(value: unknown): void {
  const text = JSON.stringify(
    value,
    (_key, each: unknown) => (typeof each === 'bigint' ? `\0${each}` : each),
    current.stdout.isTTY ? 2 : 0,
  )
  line(text.replace(/"\\u0000(-?\d+)"/g, '$1'))
}

export { clip }

/** Ends a command with this exit code and no message. */
export class ExitCode extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`)
    this.exitCode = exitCode
  }
}

/**
 * The exit code for what ended a command, with one line about it on standard error: 1 what was asked for failed, 2 wrong
 * usage or configuration. An unexpected error shows its stack.
 */
export function report(thrown: unknown): number {
  const error = toError(thrown)
  const exitCode = (error as { exitCode?: unknown }).exitCode
  const meant = typeof exitCode === 'number' || hasCode(error, 'ERR_REDIS')
  printError(`runtime: ${meant ? withCode(error) : (error.stack ?? error.message)}`)
  return typeof exitCode === 'number' ? exitCode : 1
}
