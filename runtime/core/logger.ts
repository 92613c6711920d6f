import { printable } from '../../config/clip.ts'
import { type Libraries, library } from '../../config/library.ts'
import { redactor, type Redact } from './redact.ts'

/** The log of a process. One line a call; the second argument is data for machines. */
export interface Logger {
  debug(message: string, data?: object): void
  info(message: string, data?: object): void
  warn(message: string, data?: object): void
  error(message: string, data?: object): void
  child(scope: string): Logger
  /** The same with this data in every line. */
  with(data: object): Logger
}

/** How to write the log. `json` and `logfmt` for machines, `text` for people. */
export interface LogOptions {
  level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  format: 'json' | 'logfmt' | 'text'
  /** Of the worker, in every line. */
  worker?: string | undefined
  /** Hides secrets in the data of each line; by default those of {@link redactor}. */
  redact?: Redact
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

/** `time=… level=info msg="a job failed" job=…`, a pair each; nested data is JSON. */
function logfmtLine(json: string): string {
  const { level, time, msg, ...data } = JSON.parse(json) as { msg?: string; [more: string]: unknown }
  const head = { time: new Date(Number(time)).toISOString(), level: levels[Number(level)]?.toLowerCase(), msg }
  const pairs = Object.entries({ ...head, ...data }).filter(([, value]) => value !== undefined)
  return `${pairs.map(([key, value]) => `${key}=${logfmtValue(value)}`).join(' ')}\n`
}

function logfmtValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[^\s"=\\\p{Cc}]+$/u.test(text) ? text : printable(JSON.stringify(text))
}

/** A logger over pino, which is loaded for the first line that is written. */
export function createLogger(options: LogOptions): Logger {
  const { level, redact = redactor() } = options
  const out = options.write ?? ((line: string) => void process.stderr.write(line))
  const show = { json: printable, logfmt: logfmtLine, text: textLine }[options.format]
  const base = options.worker === undefined ? null : { worker: options.worker }
  const write = (line: string): void => out(show(line))
  const isEnabled = (name: Level): boolean => ranks.indexOf(name) >= ranks.indexOf(level)
  return wrap(() => library('pino')({ level, base }, { write }), isEnabled, redact)
}

type Level = 'debug' | 'info' | 'warn' | 'error'
const ranks: LogOptions['level'][] = ['debug', 'info', 'warn', 'error', 'silent']

function wrap(make: () => ReturnType<Libraries['pino']>, isEnabled: (level: Level) => boolean, redact: Redact): Logger {
  let made: ReturnType<Libraries['pino']> | undefined
  const log = (): ReturnType<Libraries['pino']> => (made ??= make())
  const write =
    (level: Level) =>
    (message: string, data: object = {}): void => {
      if (isEnabled(level)) log()[level](redact(data), message)
    }
  const child = (data: object): Logger => wrap(() => log().child(data), isEnabled, redact)
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (scope) => child({ scope }),
    with: (data) => child(redact(data) as object),
  }
}

/** Says nothing: for tests and for library use inside an application. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
  with: () => silentLogger,
}
