import { html } from 'hono/html'
import { runRow, runTarget } from '../../runtime/inspect/runs.ts'
import { printable } from '../../config/clip.ts'
import type { RunRecord } from '../../runtime/store/runs/run-reader.ts'
import { drawnRun } from '../../runtime/workflow/drawing/drawn-run.ts'
import { draw } from '../../runtime/workflow/drawing/formats.ts'
import { loadJobs, loadJobsAt, type RunJob } from '../../runtime/workflow/run/run-jobs.ts'
import { WorkflowRun } from '../../runtime/workflow/run/workflow-run.ts'
import { readParts, withinDeadline } from '../deadline.ts'
import {
  button,
  carefulButton,
  code,
  facts,
  lasting,
  pager,
  payload,
  queueLink,
  section,
  state,
  table,
  time,
} from '../view/parts.ts'
import { count, shown } from '../view/text.ts'
import {
  address,
  BadInput,
  NotFound,
  contextOf,
  type Download,
  type Html,
  type Page,
  type PageRequest,
} from '../request.ts'
import { progressOf, tookOf } from './workflows.ts'

const pageSize = 100
const shownFailures = 20
/** Runs of more steps are drawn on demand only: their edges alone are megabytes. */
const mostDrawn = 20_000
const views = ['all', 'failed'] as const

async function recordOf(request: PageRequest): Promise<RunRecord> {
  const id = request.query.needed('id')
  const record = await withinDeadline(request.store.runs.read.find(id))
  if (!record) throw new NotFound(`There is no workflow run ${id}: it never existed, or has expired.`)
  return record
}

/** One run: what blocks it, its graph, its steps. */
export async function runPage(request: PageRequest): Promise<Page> {
  const run = await recordOf(request)
  const [view, from] = [request.query.oneOf('steps', views) ?? 'all', request.query.whole('from', 0)]
  const { failures, jobs, missing } = await readParts({
    failures: () => WorkflowRun.of(runTarget(contextOf(request)), run).failures(shownFailures),
    jobs: () => stepsOf(request, run, view, from),
  })
  const isOver = run.status === 'finished'
  const { id } = run
  const buttons = html`${state(run.status)}
  ${run.status === 'failed' || run.status === 'stopped' ? button(request, 'run-continue', 'Continue', { id }, 'main') : ''}
  ${run.status === 'running' || run.status === 'pending' ? carefulButton(request, 'run-stop', 'Stop', 'Stop this run? No more steps start, and running steps are cancelled.', { id }) : ''}`
  const body = html`${section(
    run.class,
    html`${facts([
      ['ID', code(id)],
      ['Steps', progressOf(runRow(run))],
      ['Created', time(run.createdAt, request.nowMs)],
      ['Started', run.startedAt === undefined ? undefined : time(run.startedAt, request.nowMs)],
      ['Ended', run.endedAt === undefined ? undefined : time(run.endedAt, request.nowMs)],
      ['Took', tookOf(run, request.nowMs)],
      ...Object.entries(runRow(run).counts).map(([word, number]) => [word, count(number)] as const),
    ])}${
      run.args === undefined
        ? ''
        : html`<h3>Arguments</h3>
            ${payload(run.args, request)}`
    }`,
    buttons,
  )}
  ${
    (failures ?? []).length === 0
      ? ''
      : section(
          'Blocked by',
          table(
            'Failed steps',
            ['Step#', 'Class', 'Error', ''],
            (failures ?? []).map((each) => [
              stepLink(id, each.id),
              code(each.class),
              html`<strong>${shown(each.error.name, 100)}</strong> ${shown(each.error.message, 300)}`,
              stepButtons(request, id, { id: each.id, state: 'failed' }),
            ]),
            '',
          ),
        )
  }
  ${graphSection(request, run)} ${stepsSection(request, run, { jobs: jobs ?? [], view, from })}`
  return { title: `Run ${id}`, body, missing, ...(isOver ? {} : { refreshMs: 4000 }) }
}

function graphSection({ theme }: PageRequest, { id, total, status, counts }: RunRecord): Html | string {
  if (total > mostDrawn)
    return section(
      'Graph',
      html`<p>${count(total)} steps are too many to draw here: <code>runtime workflow viz ${id}</code></p>`,
    )
  // The state is in the address, so that a browser keeps a drawing until something moves.
  const version = [status, ...Object.values(counts)].join('.')
  const drawing = (on: 'light' | 'dark'): string => address('run-graph', { id, on, v: version })
  const image = html`<img
    src="${drawing(theme ?? 'light')}"
    alt="Steps of the run and what each waits for; the table below has the same"
  />`
  return section(
    'Graph',
    html`<div class="graph" tabindex="0" role="region" aria-label="Graph of the run">
      ${
        theme
          ? image
          : html`<picture
              ><source srcset="${drawing('dark')}" media="(prefers-color-scheme: dark)" />
              ${image}</picture
            >`
      }
    </div>`,
  )
}

async function stepsOf(
  { store }: PageRequest,
  run: RunRecord,
  view: (typeof views)[number],
  from: number,
): Promise<RunJob[]> {
  const { read } = store.runs
  if (view === 'all')
    return loadJobs(read, run, from, Math.min(from + pageSize, Number(run.fields.allocated ?? run.total)))
  const failed = await read.failed(run.id, from + pageSize)
  return loadJobsAt(
    read,
    run,
    failed.slice(from).map(({ index }) => index),
  )
}

function stepsSection(
  request: PageRequest,
  run: RunRecord,
  { jobs, view, from }: { jobs: RunJob[]; view: string; from: number },
): Html {
  const rows = jobs.map((job) => [
    stepLink(run.id, job.id),
    job.label === undefined ? code(job.class) : html`${shown(job.label, 80)} <small>${code(job.class)}</small>`,
    state(job.state),
    queueLink(job.queue),
    job.attempts,
    job.startedAt === undefined ? '–' : time(job.startedAt, request.nowMs),
    job.startedAt === undefined ? '–' : lasting((job.endedAt ?? request.nowMs) - job.startedAt),
    stepButtons(request, run.id, job),
  ])
  const links = html`<a href="${address('run', { id: run.id })}" ${view === 'all' ? html`aria-current="true"` : ''}
      >All</a
    >
    <a href="${address('run', { id: run.id, steps: 'failed' })}" ${view === 'failed' ? html`aria-current="true"` : ''}
      >Failed</a
    >`
  return section(
    'Steps',
    html`${table('Steps', ['Step#', 'Name', 'State', 'Queue', 'Attempts#', 'Started', 'Took#', ''], rows, 'No step has this state.')}
    ${pager('run', { id: run.id, steps: view === 'all' ? undefined : view }, { from, shown: rows.length, ...(view === 'all' ? { total: Number(run.fields.allocated ?? run.total) } : { hasMore: rows.length === pageSize }), size: pageSize })}`,
    links,
  )
}

const stepLink = (id: string, step: string): Html => html`<a href="${address('step', { run: id, step })}">${step}</a>`

export function stepButtons(
  request: PageRequest,
  run: string,
  { id, state: is }: { id: string; state: string },
): Html | string {
  const fields = { id: run, step: id }
  if (is === 'failed')
    return html`${button(request, 'step-retry', 'Retry', fields)} ${button(request, 'step-skip', 'Skip', fields)}`
  return ['waiting', 'blocked', 'held', 'stopped'].includes(is) ? button(request, 'step-skip', 'Skip', fields) : ''
}

/** The drawing, as a file of its own: its styles are attributes, and no script of a name can run in an image. */
export async function runGraph(request: PageRequest): Promise<Download> {
  const run = await recordOf(request)
  if (run.total > mostDrawn) throw new BadInput(`expected a run of at most ${mostDrawn} steps, it has ${run.total}`)
  const svg = await draw(
    await drawnRun(request.store.runs.read, run),
    'svg',
    '',
    request.query.oneOf('on', ['light', 'dark']) ?? 'light',
  )
  return { type: 'image/svg+xml', body: printable(svg) }
}
