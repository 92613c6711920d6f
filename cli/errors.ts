import { complain } from './output.ts'
import { hasCode, toError, withCode } from '../runtime/core/errors.ts'

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
  complain(`runtime: ${meant ? withCode(error) : (error.stack ?? error.message)}`)
  return typeof exitCode === 'number' ? exitCode : 1
}
