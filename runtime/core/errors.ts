import { errorCodes, type ErrorCode, type RuntimeError } from '../../config/runtime-error.ts'

export { errorCodes, RuntimeError, type ErrorCode } from '../../config/runtime-error.ts'

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
