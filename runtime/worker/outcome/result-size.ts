import { RuntimeError, toError } from '../../core/errors.ts'
import { errorRecord } from './error-record.ts'
import type { Ending } from '../launchers/launcher.ts'

/**
 * Asked in the job's process before its result is sent.
 * @param result JSON text
 * @throws RuntimeError ERR_TOO_LARGE
 */
export function checkResultSize(result: string | undefined, maxBytes = Infinity): void {
  if (result === undefined) return
  const size = Buffer.byteLength(result)
  if (size <= maxBytes) return
  throw new RuntimeError(
    'ERR_TOO_LARGE',
    `result: expected at most ${maxBytes} bytes of JSON, got ${size}; store it elsewhere and return its address, or raise limits.maxResultBytes`,
  )
}

/** Asked by the supervisor, which does not trust a job's process: one that sent more than it may has failed. */
export function withinLimit(ending: Ending, maxResultBytes: number): Ending {
  if (ending.outcome?.kind !== 'done') return ending
  try {
    checkResultSize(ending.outcome.result, maxResultBytes)
    return ending
  } catch (thrown) {
    return { ...ending, outcome: { kind: 'failed', error: errorRecord(toError(thrown)) } }
  }
}
