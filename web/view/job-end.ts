import { html } from 'hono/html'
import { evidenceRows } from '../../runtime/inspect/evidence.ts'
import type { Html, PageRequest } from '../request.ts'
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

/** Times, memory, the last lines and where it hung, as the worker found them. @param json of an object */
export function evidence(json: string): Html {
  const { output, where, memory, ...rest } = parsed(json)
  const lines = evidenceRows(rest, { duration: span })
  return html`${facts(lines.map(([name, value]) => [capital(name), shown(value, 500)]))}
  ${evidenceRows({ where, memory, output }).map(
    ([name, value]) =>
      html`<h3>${titles[name] ?? capital(name)}</h3>
        ${block(value)}`,
  )}`
}

const titles: Record<string, string> = { where: 'Where it was' }

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

/** The attempts of a job or step before the last one, each with its error. */
export function attemptsPart(all: readonly unknown[], request: PageRequest): Html | string {
  if (all.length === 0) return ''
  const rows = (all as Record<string, unknown>[]).map((attempt, i) => [
    textIn(attempt['attempt'] ?? i + 1),
    textIn(attempt['cause']),
    shown(`${textIn(attempt['name'] ?? attempt['exception'])} ${textIn(attempt['message'] ?? attempt['error'])}`, 200),
    time(Number(attempt['at'] ?? attempt['ended_at'] ?? NaN), request.nowMs),
  ])
  return section('Earlier attempts', table('Earlier attempts', ['Attempt#', 'Cause', 'Error', 'Ended'], rows, ''))
}
