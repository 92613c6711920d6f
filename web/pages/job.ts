import { html } from 'hono/html'
import { formatBytes } from '../../runtime/core/size.ts'
import { endStates, type JobRecord } from '../../runtime/store/queues/jobs.ts'
import { whereLines, type Where } from '../../runtime/store/workers/where.ts'
import { gather, within } from '../gather.ts'
import { block, button, code, facts, payload, queueLink, runLink, section, state, table, time } from '../view/parts.ts'
import { shown, span, words } from '../view/text.ts'
import { address, BadInput, Gone, type Done, type Html, type Page, type Query, type Visit } from '../visit.ts'
import { archived } from './archive.ts'
import { classOf, progress } from './running.ts'

/** One job, from its birth to its end. */
export async function jobPage(visit: Visit): Promise<Page> {
  const id = visit.query.needed('id')
  const { record, log, missing } = await gather({
    record: () => visit.store.jobs.find(id),
    log: () => visit.store.jobs.log(id),
  })
  if (!record && missing.length > 0) return { title: `Job ${id}`, body: html``, missing }
  if (!record) return archivedJob(visit, id)
  const { nowMs } = visit
  const isOver = endStates.includes(record.state)
  const buttons = html`${state(record.state)}
  ${record.state === 'running' ? html`<a class="button" href="${address('stack', { id })}">Stack now</a>` : ''}
  ${isOver ? '' : button(visit, 'job-cancel', 'Cancel', { id })}`
  const step = stepOf(record.item)
  const body = html`${section(
    classOf(record),
    html`${timeline(record, nowMs)}
    ${facts([
      ['ID', code(id)],
      ['Queue', queueLink(record.queue)],
      ['Attempt', record.attempt],
      ['Redeliveries', record.redeliveries === '0' ? undefined : record.redeliveries],
      ['Worker', record.worker === undefined ? undefined : code(record.worker)],
      ['PID', record.pid],
      ['Unique lock', record.unique === undefined ? undefined : code(record.unique)],
      ['Workflow run', step && runLink(step)],
      ['Progress', record.progress === undefined ? undefined : progress(record.progress)],
      ['Cause', record.cause],
    ])}`,
    buttons,
  )}
  ${record.error === undefined ? '' : errorSection(record.error)}
  ${record.evidence === undefined ? '' : section('Evidence', evidence(record.evidence))}
  ${section('Arguments', payload(record.item, visit))}
  ${record.options === undefined || record.options === '' ? '' : section('Options of the call', payload(record.options, visit))}
  ${record.result === undefined ? '' : section('Result', payload(record.result, visit))}
  ${attempts(record['attempts'], visit)}
  ${(log ?? []).length === 0 ? '' : section('Log', block((log ?? []).join('\n')))}`
  return { title: `Job ${id}`, body, missing, ...(isOver ? {} : { refreshMs: 3000 }) }
}

/** What happened when, each with how long it took. */
function timeline(record: JobRecord, nowMs: number): Html {
  const at = (text: string | undefined): number | undefined => (text ? Number(text) : undefined)
  const all: [string, number | undefined][] = [
    ['enqueued', at(record.enqueued_at)],
    ['due', record.state === 'delayed' || record.state === 'held' ? at(record.due_at) : undefined],
    ['started', at(record.run_at)],
    [endStates.includes(record.state) ? record.state : 'ended', at(record.ended_at)],
  ]
  const moments = all.filter(
    (moment): moment is [string, number] => moment[1] !== undefined && Number.isFinite(moment[1]),
  )
  return html`<ol class="timeline">
    ${moments.map(([name, ms], i) => {
      const before = moments[i - 1]?.[1]
      return html`<li>
        <strong>${name}</strong>
        ${time(ms, nowMs)}${before === undefined ? '' : html` <small>after ${span(Math.max(0, ms - before))}</small>`}
      </li>`
    })}
  </ol>`
}

/** The run of a workflow step's job. */
function stepOf(item: string): string | undefined {
  const [, run] = /^\{"class":"ResqueRuntime::Step","args":\["([^"\\]+)"/.exec(item) ?? []
  return run
}

/** An error record: `{ name, message, backtrace? … }`. */
export function errorSection(json: string): Html {
  const error = parsed(json)
  const stack = Array.isArray(error['stack']) ? error['stack'].map(String).join('\n') : words(error['stack'])
  const lines = Array.isArray(error['backtrace']) ? error['backtrace'].map(String).join('\n') : stack
  return section(
    'Error',
    html`<p class="error">
        <strong>${shown(words(error['name'] ?? 'Error'), 200)}</strong> ${shown(words(error['message']), 2000)}
      </p>
      ${lines === '' ? '' : block(lines)}`,
  )
}

function parsed(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : { message: json }
  } catch {
    return { message: json }
  }
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

/** Times, memory, the last lines and where it hung, as the worker found them. @param json of an object */
export function evidence(json: string): Html {
  const { output, where, cause: _, ...rest } = parsed(json)
  const entries = Object.entries(rest).flatMap(([key, value]): [string, string][] => {
    const [name, show] = names[key] ?? [key]
    if (value === null || value === undefined) return []
    if (show && typeof value === 'number') return [[name, show(value)]]
    return [[name, shown(typeof value === 'string' ? value : JSON.stringify(value), 300)]]
  })
  return html`${facts(entries)}
  ${
    typeof where !== 'object' || where === null
      ? ''
      : html`<h3>Where it was</h3>
          ${block(whereLines(where as Where).join('\n'))}`
  }
  ${
    Array.isArray(output) && output.length > 0
      ? html`<h3>Printed last</h3>
          ${block(output.map(String).join('\n'))}`
      : ''
  }`
}

function attempts(json: string | undefined, visit: Visit): Html | string {
  const all: unknown = json === undefined ? [] : JSON.parse(json)
  if (!Array.isArray(all) || all.length === 0) return ''
  const rows = (all as Record<string, unknown>[]).map((attempt, i) => [
    words(attempt['attempt'] ?? i + 1),
    words(attempt['cause']),
    shown(`${words(attempt['name'] ?? attempt['exception'])} ${words(attempt['message'] ?? attempt['error'])}`, 200),
    time(Number(attempt['at'] ?? attempt['ended_at'] ?? NaN), visit.nowMs),
  ])
  return section('Earlier attempts', table('Earlier attempts', ['Attempt#', 'Cause', 'Error', 'Ended'], rows, ''))
}

/** A job whose record is over: what the archive has of it. */
async function archivedJob(visit: Visit, id: string): Promise<Page> {
  const record = await within(archived(visit, (archive) => archive.find(id)))
  if (!record)
    throw new Gone(`Nothing is known of job ${id}: it never was, or its record and its archive record are gone.`)
  const { details } = record
  const body = html`${section(
    record.class,
    facts([
      ['ID', code(id)],
      ['Kind', record.kind],
      ['Queue', record.queue === undefined ? undefined : queueLink(record.queue)],
      ['Enqueued', record.enqueuedAtMs === undefined ? undefined : time(record.enqueuedAtMs, visit.nowMs)],
      ['Started', record.startedAtMs === undefined ? undefined : time(record.startedAtMs, visit.nowMs)],
      ['Ended', time(record.endedAtMs, visit.nowMs)],
      ['Waited', record.waitMs === undefined ? undefined : span(record.waitMs)],
      ['Ran', record.runMs === undefined ? undefined : span(record.runMs)],
      ['Peak memory', record.peakRssBytes === undefined ? undefined : formatBytes(record.peakRssBytes)],
      ['Attempts', record.attempts],
      ['Workflow run', record.runId === undefined ? undefined : runLink(record.runId)],
      ['Cause', record.cause],
    ]),
    state(record.outcome),
  )}
  ${details.error === undefined ? '' : errorSection(JSON.stringify(details.error))}
  ${details.evidence === undefined ? '' : section('Evidence', evidence(JSON.stringify(details.evidence)))}
  ${record.args === undefined ? '' : section('Arguments', payload(record.args, visit))}
  ${(details.log ?? []).length === 0 ? '' : section('Log', block((details.log ?? []).join('\n')))}`
  return { title: `Job ${id}`, body }
}

/** Where a running job is, asked from its worker now. */
export async function stackPage(visit: Visit): Promise<Page> {
  const id = visit.query.needed('id')
  const record = await within(visit.store.jobs.find(id))
  if (!record) throw new Gone(`Nothing is known of job ${id}.`)
  if (record.state !== 'running') throw new BadInput(`Job ${id} does not run: it is ${record.state}.`)
  const { answer, missing } = await gather({ answer: () => visit.store.stacks.ask(id) })
  const body = section(
    html`${classOf(record)} ${code(id)}`,
    answer === undefined
      ? html`<p>Its worker has not answered. The workers page shows whether it lives.</p>`
      : block(whereLines(answer.where).join('\n')),
    html`<a class="button" href="${address('stack', { id })}">Ask again</a>
      <a class="button" href="${address('job', { id })}">The job</a>`,
  )
  return { title: 'Stack now', body, missing }
}

/** Cancels a job that waits, or asks for the end of one that runs. */
export async function cancelJob({ store, nowMs, settings }: Visit, form: Query): Promise<Done> {
  const id = form.needed('id')
  const reply = await within(store.jobs.cancel(id, nowMs, settings.config.limits.recordTtlMs))
  if (reply === 'cancelled') return { note: `Cancelled job ${id}.` }
  if (reply === 'running') return { note: `Asked the worker of job ${id} to stop it.` }
  if (reply === 'unknown') throw new Gone(`Nothing is known of job ${id}.`)
  throw new BadInput(`Job ${id} cannot be cancelled: it is ${reply}.`)
}

/** Leads from whatever was typed to its page. */
export async function findPage(visit: Visit): Promise<Page> {
  const id = visit.query.needed('id', 200).trim()
  const { record, run, queues, pipelines } = await gather({
    record: () => visit.store.jobs.find(id),
    run: () => visit.store.runs.read.find(id),
    queues: () => visit.store.queues.names(),
    pipelines: () => visit.store.pipelines.names(),
  })
  const links: [string, Html][] = [
    ...(record
      ? [['Job', html`<a href="${address('job', { id })}">${shown(id)}</a> ${state(record.state)}`] as [string, Html]]
      : []),
    ...(run ? [['Workflow run', runLink(id)] as [string, Html]] : []),
    ...(queues?.includes(id) ? [['Queue', queueLink(id)] as [string, Html]] : []),
    ...(pipelines?.has(id)
      ? [['Pipeline', html`<a href="${address('pipeline', { name: id })}">${shown(id)}</a>`] as [string, Html]]
      : []),
    ['Failed jobs of this class', html`<a href="${address('failed', { class: id })}">${shown(id)}</a>`],
    ['Ended jobs of this class', html`<a href="${address('archive', { class: id })}">${shown(id)}</a>`],
    ['The archived job', html`<a href="${address('job', { id })}">${shown(id)}</a>`],
  ]
  return { title: `Find ${id}`, body: section('Found', facts(links)) }
}
