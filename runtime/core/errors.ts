/**
 * Every code a {@link RuntimeError} can carry, with the exit status the command gives it: 1 the thing asked for
 * failed, 2 wrong usage or configuration. Documented in docs/errors.md.
 */
export const errorCodes = {
  ERR_CONFIG: 2,
  ERR_USAGE: 2,
  ERR_ARGUMENT: 2,
  ERR_NOT_JSON: 2,
  ERR_TOO_LARGE: 2,
  ERR_UNKNOWN_CLASS: 2,
  ERR_NAME_CLASH: 2,
  ERR_APP_LOAD: 2,
  ERR_SCHEMA: 2,
  ERR_GRAPH: 2,
  ERR_SCHEDULE: 2,
  ERR_PIPELINE: 2,
  ERR_TEMPLATE: 2,
  ERR_STATE: 1,
  ERR_NOT_FOUND: 1,
  ERR_TIMEOUT: 1,
  ERR_REDIS: 1,
  ERR_REPLY: 1,
  ERR_JOB_FAILED: 1,
  ERR_ARCHIVE: 1,
} as const

/**
 * A code of a `RuntimeError`; docs/errors.md describes each.
 * @example
 * ```ts
 * const mayRepeat = (code: ErrorCode) => code === 'ERR_REDIS' || code === 'ERR_TIMEOUT'
 * ```
 */
export type ErrorCode = keyof typeof errorCodes

/**
 * An error a user can act on: its message says what was expected, what came, and what to do.
 * @example
 * ```ts
 * try {
 *   await findJob('0mb2k3x7f4q8').result({ timeout: '1s' })
 * } catch (error) {
 *   if (error instanceof RuntimeError && error.code === 'ERR_TIMEOUT') console.log('it still runs')
 *   else throw error
 * }
 * ```
 */
export class RuntimeError extends Error {
  /** What kind of error it is; docs/errors.md describes each code. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'RuntimeError'
    this.code = code
  }

  /** Exit status of the command when this error ends it. */
  get exitCode(): number {
    return errorCodes[this.code]
  }
}

/** True for an error with this code, also when it comes from another copy of the package. */
export function hasCode(error: unknown, code: ErrorCode): error is RuntimeError {
  return error instanceof Error && (error as { code?: unknown }).code === code
}

/** The code of an error of ours, also when it comes from another copy of the package; undefined for any other. */
export function codeOf(error: unknown): ErrorCode | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' && Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : undefined
}

/** What people are shown of an error: of one of ours its message and code, `… [ERR_REDIS]`; see docs/errors.md. */
export function withCode(thrown: unknown): string {
  const error = toError(thrown)
  const code = codeOf(error)
  return code === undefined ? String(error) : `${error.message} [${code}]`
}

/** `instanceof` that never throws, as it does for a proxy whose traps throw. */
export function isA<T>(thrown: unknown, type: abstract new (...args: never[]) => T): thrown is T {
  try {
    return thrown instanceof type
  } catch {
    return false
  }
}

/** Whatever was thrown, as an Error: user code may throw strings, numbers, objects, or nothing. Never throws. */
export function toError(thrown: unknown): Error {
  if (isA(thrown, Error)) return thrown
  if (typeof thrown === 'string') return new Error(thrown)
  return new Error(textOf(thrown), { cause: thrown })
}

function textOf(thrown: unknown): string {
  try {
    const { message } = (thrown ?? {}) as { message?: unknown }
    return typeof message === 'string' ? message : `thrown value: ${String(thrown)}`
  } catch {
    return 'thrown value: one that cannot be shown'
  }
}
