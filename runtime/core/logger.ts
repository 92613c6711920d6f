import { pino } from 'pino'
import { printable } from '../../config/clip.ts'

/** The log of a process. One line a call; the second argument is data for machines. */
export interface Logger {
  debug(message: string, data?: object): void
  info(message: string, data?: object): void
  warn(message: string, data?: object): void
  error(message: string, data?: object): void
  child(scope: string): Logger
}

/** How to write the log. `json` for machines, `text` for people. */
export interface LogOptions {
  level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  format: 'json' | 'text'
  /** Of the worker, in every line. */
  worker?: string | undefined
  /** Where a line goes; standard error by default, since standard output belongs to results. */
  write?: (line: string) => void
}

const levels: Record<number, string> = { 20: 'debug', 30: 'info', 40: 'WARN', 50: 'ERROR' }

function textLine(json: string): string {
  const { level, time, scope, msg, ...data } = JSON.parse(json) as {
    scope?: string
    msg?: string
    [more: string]: unknown
  }
  const at = new Date(Number(time)).toISOString().slice(11, 23)
  const extra = Object.entries(data).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const head = `${at} ${(levels[Number(level)] ?? '').padEnd(5)} ${scope ? `[${scope}] ` : ''}`
  return `${head}${printable(`${msg ?? ''}${extra.join('')}`)}\n`
}

/** A logger over pino. */
export function createLogger(options: LogOptions): Logger {
  const out = options.write ?? ((line: string) => void process.stderr.write(line))
  const write = options.format === 'json' ? out : (line: string): void => out(textLine(line))
  return wrap(
    pino({ level: options.level, base: options.worker === undefined ? null : { worker: options.worker } }, { write }),
  )
}

function wrap(log: ReturnType<typeof pino>): Logger {
  return {
    debug: (message, data = {}) => log.debug(data, message),
    info: (message, data = {}) => log.info(data, message),
    warn: (message, data = {}) => log.warn(data, message),
    error: (message, data = {}) => log.error(data, message),
    child: (scope) => wrap(log.child({ scope })),
  }
}

/** Says nothing: for tests and for library use inside an application. */
export const silentLogger: Logger = createLogger({ level: 'silent', format: 'json', write: () => undefined })
