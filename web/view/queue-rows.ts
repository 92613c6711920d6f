import { html } from 'hono/html'
import { flowOf, type Flow } from '../../runtime/inspect/history.ts'
import type { QueueRow } from '../../runtime/inspect/queues.ts'
import { defaultThresholds, type Thresholds } from '../../runtime/inspect/problems.ts'
import type { Html, PageRequest } from '../request.ts'
import { badge, lasting, queueLink, type Cell } from './parts.ts'
import { count, span } from './text.ts'

/** What the settings hold to be too much. */
export const targetsOf = ({ settings }: PageRequest): Thresholds => ({
  ...defaultThresholds,
  queueAgeMs: { ...defaultThresholds.queueAgeMs, ...settings.config.web.queueTargetsMs },
})

/** The oldest first: age says more than depth. Unknown ages come before young ones. */
export function byAge(queues: readonly QueueRow[]): QueueRow[] {
  const age = ({ size, oldestMs }: QueueRow): number => (size === 0 ? -1 : (oldestMs ?? Infinity))
  return [...queues].sort((a, b) => age(b) - age(a))
}

/** The columns of {@link queueCells}. */
export const queueColumns = [
  ...[
    'Queue',
    'Oldest job#',
    'Target#',
    'Waiting#',
    'In per minute#',
    'Out per minute#',
    'Empty in#',
    'Workers#',
    'State',
  ],
] as const

/** One queue of a table. @param ended attempts that ended lately, by queue */
export function queueCells(
  queue: QueueRow,
  ended: ReadonlyMap<string, number> | undefined,
  { queueAgeMs }: Thresholds,
): Cell[] {
  const { name, size, oldestMs, paused, workers } = queue
  const target = queueAgeMs[name] ?? queueAgeMs['*'] ?? Infinity
  const flow = ended && flowOf(queue, ended.get(name) ?? 0)
  const waits = oldestMs === undefined ? 'unknown' : lasting(oldestMs)
  const isUnserved = workers === 0 && size > 0
  return [
    queueLink(name),
    size === 0 ? '–' : (oldestMs ?? 0) > target ? html`<strong class="bad">${waits}</strong>` : waits,
    Number.isFinite(target) ? lasting(target) : '–',
    count(size),
    rate(flow?.inAMinute),
    rate(flow?.outAMinute),
    size === 0 ? '–' : drainText(flow),
    isUnserved ? html`<strong class="bad">0</strong>` : count(workers),
    paused ? badge('paused', 'warn') : isUnserved ? badge('no worker', 'bad') : badge('open', 'good'),
  ]
}

const rate = (value: number | undefined): string =>
  value === undefined ? 'unknown' : value < 10 ? value.toFixed(1) : count(Math.round(value))

function drainText(flow: Flow | undefined): Html | string {
  if (flow?.drainMs === undefined) return 'unknown'
  return flow.drainMs === Infinity ? badge(flow.outAMinute > 0 ? 'growing' : 'never', 'bad') : span(flow.drainMs)
}
