import { appendFileSync, closeSync, openSync, statSync } from 'node:fs'
import type { Config } from '../config/schema.ts'
import { RuntimeError } from '../runtime/core/errors.ts'
import { redactor } from '../runtime/core/redact.ts'
import { createLogger, type Logger } from '../runtime/core/logger.ts'
import { printError, output } from './output.ts'

/** The log of a command: standard error. */
export function openLog({ log, redact }: Config): Logger {
  const { stderr } = output()
  const write = (text: string): void => void stderr.write(text)
  return createLogger({ level: log.level, format: formatOf(log.format, stderr.isTTY), write, redact: redactor(redact) })
}

/** The flag of commands that use {@link openServiceLog}. */
export const logFileFlag = {
  'log-file': { type: 'string', describe: 'Append the log to this file instead of standard error' },
} as const

/**
 * The log of a command that runs for long: `log.file`, else standard error.
 * @param worker name of the worker, for every line
 * @throws RuntimeError ERR_CONFIG when the file cannot be written
 */
export function openServiceLog({ log, redact: hidden }: Config, worker?: string): Logger {
  const { level, format, file } = log
  const redact = redactor(hidden)
  if (file === undefined) return createLogger({ level, format: formatOf(format, process.stderr.isTTY), worker, redact })
  checkLogFile(file)
  return createLogger({ level, format: formatOf(format, false), worker, redact, write: appendTo(file) })
}

const formatOf = (format: Config['log']['format'], isTerminal = false): 'text' | 'logfmt' | 'json' =>
  format === 'auto' ? (isTerminal ? 'text' : 'json') : format

/**
 * Opens the file for each line, so that a renamed or removed file is followed by a new one: logrotate needs no signal.
 * A line that cannot be written (a full disk) goes to standard error; jobs go on.
 */
function appendTo(file: string): (line: string) => void {
  let fails = false
  return (line) => {
    try {
      // A full disk may have cut the line before.
      appendFileSync(file, fails ? `\n${line}` : line)
      fails = false
    } catch (error) {
      if (!fails) printError(`runtime: ${file}: cannot be written (${codeOf(error)}); log lines come here until it can`)
      fails = true
      process.stderr.write(line)
    }
  }
}

function checkLogFile(file: string): void {
  try {
    const found = statSync(file, { throwIfNoEntry: false })
    // To open a named pipe waits for a reader.
    if (found && !found.isFile() && !found.isCharacterDevice()) throw Object.assign(new Error(), { code: 'no file' })
    closeSync(openSync(file, 'a'))
  } catch (error) {
    throw new RuntimeError(
      'ERR_CONFIG',
      `log.file: expected a file that can be written, got ${file} (${codeOf(error)}); create its folder, or change log.file or --log-file`,
    )
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error)
