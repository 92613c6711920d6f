import { clip, wholeCharacters } from '../../../config/clip.ts'
import { toError } from '../../core/errors.ts'
import type { ErrorRecord } from '../run/protocol.ts'

/** Frames of the runtime itself say nothing to a user; Resque cuts its own off, too (failure/base.rb). */
const ownFrames =
  /[\\/](runtime[\\/](worker[\\/]child[\\/]executor|jobs[\\/]hooks)|node:internal[\\/]process[\\/]task_queues)\b/

/** An error as data: its name, message, and the frames above the runtime's own; causes below, each with its frames. */
export function errorRecord(error: Error): ErrorRecord {
  const code = (error as { code?: unknown }).code
  return {
    name: nameOf(error),
    message: shortened(error.message),
    backtrace: [...frames(error), ...causes(error)].slice(0, 200),
    ...(typeof code === 'string' ? { code } : {}),
  }
}

/** A class of the user's own that sets no `name` still has one. */
function nameOf(error: Error): string {
  const className = (error.constructor as { name?: string } | undefined)?.name
  return error.name === 'Error' && className !== undefined && className !== '' ? className : error.name
}

function frames(error: Error): string[] {
  const lines = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  const end = lines.findIndex((line) => ownFrames.test(line))
  return (end > 0 ? lines.slice(0, end) : lines).map((line) => wholeCharacters(line.trim().replace('file://', '')))
}

function causes(error: Error, depth = 0): string[] {
  if (error.cause === undefined || depth > 5) return []
  const cause = toError(error.cause)
  return [`caused by ${nameOf(cause)}: ${shortened(cause.message)}`, ...frames(cause), ...causes(cause, depth + 1)]
}

function shortened(text: string): string {
  return text.length > 10_000 ? `${clip(text, 10_000)} (${text.length} characters)` : wholeCharacters(text)
}
