import { RuntimeError } from '../core/errors.ts'

/**
 * Asked in the job's process before its result is sent, and by the supervisor, which does not trust that process.
 * @param result JSON text
 * @throws RuntimeError ERR_TOO_LARGE
 */
export function checkResultSize(result: string | undefined, maxBytes = Infinity): void {
  const size = Buffer.byteLength(result ?? '')
  if (size <= maxBytes) return
  throw new RuntimeError(
    'ERR_TOO_LARGE',
    `result: expected at most ${maxBytes} bytes of JSON, got ${size}; store it elsewhere and return its address, or raise limits.maxResultBytes`,
  )
}
