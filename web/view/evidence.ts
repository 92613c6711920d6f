import { html } from 'hono/html'
import { formatBytes } from '../../runtime/core/size.ts'
import { locationLines, type JobLocation } from '../../runtime/store/workers/stacks.ts'
import type { Html, Visit } from '../visit.ts'
import { block, facts, section, table, time } from './parts.ts'
import { jsonValue, textIn } from '../../runtime/core/json-text.ts'
import { shown, span } from './text.ts'

/** An error record: `{ name, message, backtrace? … }`. */
export function errorSection(json: string): Html {
  const error = parsed(json)
  const stack = Array.isArray(error['stack']) ? error['stack'].map(textIn).join('\n') : textIn(error['stack'])
  const lines = Array.isArray(error['backtrace']) ? error['backtrace'].map(textIn).join('\n') : stack
  return section(
    'Error',
    html`<p class="error">
        <strong>${shown(textIn(error['name'] ?? 'Error'), 200)}</strong> ${shown(textIn(error['message']), 2000)}
      </p>
      ${lines === '' ? '' : block(lines)}`,
  )
}

function parsed(json: string): Record<string, unknown> {
  const value = jsonValue(json)
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : { message: json }
}

const names: Record<string, [name: string, show: (value: number) => string]> = {
  wallMs: ['Ran for', span],
  waitedMs: ['Waited for', span],
  pid: ['Process', String],
  exitCode: ['Exit code', String],
  signal: ['Signal', String],
  cpuUserMs: ['CPU time of its own', span],
  cpuSystemMs: ['CPU time in the kernel', span],
  peakRssBytes: ['Peak memory', formatBytes],
}

/** Whatever else there is, with the units that its names end in: `limit 150 MB, looks rss 153 MB, before 0 ms`. */
function inWords(value: unknown, name: string): string {
  if (typeof value === 'number')
    return name.endsWith('Bytes') ? formatBytes(value) : name.endsWith('Ms') ? span(value) : String(value)
  if (Array.isArray(value)) return value.map((each) => inWords(each, name)).join('; ')
  if (typeof value !== 'object' || value === null) return textIn(value)
  const members = Object.entries(value as Record<string, unknown>)
  return members
    .map(([key, each]) => `${labelOf(key)} ${inWords(each, /[a-z](Ms|Bytes)$/.test(key) ? key : name)}`)
    .join(', ')
}

/** `rssBytes`: rss. */
const labelOf = (name: string): string =>
  name.replace(/(Ms|Bytes)$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)

/** Times, memory, the last lines and where it hung, as the worker found them. @param json of an object */
export function evidence(json: string): Html {
  const { output, where, cause: _, ...rest } = parsed(json)
  const entries = Object.entries(rest).flatMap(([key, value]): [string, string][] => {
    const [name, show] = (Object.hasOwn(names, key) ? names[key] : undefined) ?? [labelOf(key)]
    if (value === null || value === undefined) return []
    if (show && typeof value === 'number') return [[name, show(value)]]
    return [[name, shown(inWords(value, key), 500)]]
  })
  return html`${facts(entries)}
  ${
    typeof where !== 'object' || where === null
      ? ''
      : html`<h3>Where it was</h3>
          ${block(locationLines(where as JobLocation).join('\n'))}`
  }
  ${
    Array.isArray(output) && output.length > 0
      ? html`<h3>Printed last</h3>
          ${block(output.map(textIn).join('\n'))}`
      : ''
  }`
}

/** The attempts of a job or step before the last one, each with its error. */
export function attemptsPart(all: readonly unknown[], visit: Visit): Html | string {
  if (all.length === 0) return ''
  const rows = (all as Record<string, unknown>[]).map((attempt, i) => [
    textIn(attempt['attempt'] ?? i + 1),
    textIn(attempt['cause']),
    shown(`${textIn(attempt['name'] ?? attempt['exception'])} ${textIn(attempt['message'] ?? attempt['error'])}`, 200),
    time(Number(attempt['at'] ?? attempt['ended_at'] ?? NaN), visit.nowMs),
  ])
  return section('Earlier attempts', table('Earlier attempts', ['Attempt#', 'Cause', 'Error', 'Ended'], rows, ''))
}
