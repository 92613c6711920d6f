import { html } from 'hono/html'
import {
  openPipelines,
  pipelineRows,
  pipelineRuns,
  pipelineView,
  requestPage,
  type RequestPage,
} from '../../runtime/inspect/pipelines.ts'
import { readParts, withinDeadline } from '../deadline.ts'
import {
  badge,
  button,
  code,
  hidden,
  payload,
  runLink,
  section,
  short,
  state,
  table,
  time,
  type Cell,
} from '../view/parts.ts'
import { shown } from '../view/text.ts'
import {
  address,
  NotFound,
  contextOf,
  type Done,
  type Html,
  type Page,
  type Query,
  type PageRequest,
} from '../request.ts'

/** Pipelines, and the latest requests to run one. */
export async function pipelinesPage(request: PageRequest): Promise<Page> {
  const place = contextOf(request)
  const cursor = request.query.text('requests', 80)
  const { all, requests, missing } = await readParts({
    all: () => pipelineRows(place),
    requests: () => requestPage(place, {}, { cursor }),
  })
  const body = html`${section(
    'Pipelines',
    table(
      'Pipelines',
      ['Pipeline', 'Version#', 'Steps', 'Latest run'],
      (all ?? []).map(({ version, definition, latest }) => [
        html`<a href="${address('pipeline', { name: definition.name })}">${shown(definition.name, 100)}</a>`,
        version,
        short(definition.steps.map(({ name }) => name).join(' → '), 120),
        latest === undefined ? '' : html`${state(latest.status)} ${runLink(latest.id)}`,
      ]),
      html`No pipeline is loaded. Load one: <code>runtime pipeline load pipelines.yml</code>`,
    ),
  )}
  ${requestSection(request, requests, 'pipelines')}`
  return { title: 'Pipelines', body, missing, refreshMs: 5000 }
}

function requestSection(request: PageRequest, page: RequestPage | undefined, path: string, name?: string): Html {
  const older = html`<nav class="pager" aria-label="Parts of the list">
    <a class="button" rel="next" href="${address(path, { name, requests: page?.next })}">Older requests</a>
  </nav>`
  const requests = html`${requestTable(request, page?.requests ?? [])}${page?.next === undefined ? '' : older}`
  return section('Run requests', requests)
}

function requestTable(request: PageRequest, requests: RequestPage['requests']): Html {
  return table(
    'Run requests',
    ['Requested', 'Pipeline', 'Instance#', 'By', 'Status', 'Run or reason'],
    requests.map((asked): Cell[] => [
      time(asked.requestedAtMs, request.nowMs),
      html`<a href="${address('pipeline', { name: asked.pipeline })}">${shown(asked.pipeline, 80)}</a>`,
      asked.instance,
      short(asked.by, 40),
      badge(asked.status, asked.status === 'Accepted' ? 'good' : asked.status === 'Rejected' ? 'bad' : 'warn'),
      asked.run === undefined ? short(asked.reason ?? '', 120) : runLink(asked.run),
    ]),
    'No run was requested.',
  )
}

/** One pipeline: its steps, parameters and runs. */
export async function pipelinePage(request: PageRequest): Promise<Page> {
  const name = request.query.needed('name')
  const place = contextOf(request)
  const cursor = request.query.text('requests', 80)
  const { found, runs, requests, missing } = await readParts({
    found: () => pipelineView(place, name),
    runs: () => pipelineRuns(place, name),
    requests: () => requestPage(place, { pipeline: name }, { cursor, count: 20 }),
  })
  if (!found && missing.some((each) => each.includes('ERR_NOT_FOUND')))
    throw new NotFound(`There is no pipeline ${name}.`)
  const steps = found?.definition.steps ?? []
  const params = found?.params ?? {}
  const body = html`${section(
    `Version ${found?.version ?? '?'}`,
    table(
      'Steps of the pipeline',
      ['Place#', 'Step', 'Definition'],
      steps.map((step, i) => [String(i + 1), code(step.name), html`<code>${shown(JSON.stringify(step), 300)}</code>`]),
      'It has no steps.',
    ),
    request.user.role === 'operator'
      ? html`<form method="post" action="pipeline-run" class="inline filters">
          ${hidden(request, { name })}
          <label
            >From<select name="first">
              <option value="">first step</option>
              ${steps.map((step) => html`<option>${step.name}</option>`)}
            </select></label
          >
          <label>Instance<input name="instance" type="number" min="1" max="1000000" value="1" /></label
          ><button class="main">Run</button>
        </form>`
      : '',
  )}
  ${section(
    'Runs',
    table(
      'Runs',
      ['Run', 'Instance#', 'Status', 'Current step', 'Created', ''],
      (runs ?? []).map((run) => [
        runLink(run.id),
        run.instance,
        state(run.status),
        run.at === undefined ? '' : html`${shown(run.at.step, 80)} ${state(run.at.state)}`,
        time(run.createdAtMs, request.nowMs),
        run.status === 'failed' ? button(request, 'run-continue', 'Continue', { id: run.id }) : '',
      ]),
      'This pipeline has not run.',
    ),
  )}
  ${Object.keys(params).length === 0 ? '' : section('Parameters', payload(JSON.stringify(params), request))}
  ${requestSection(request, requests, 'pipeline', name)}`
  return { title: `Pipeline ${name}`, body, missing, refreshMs: 5000 }
}

/** Requests a run; it is accepted and started, or rejected with a reason. */
export async function runPipeline(request: PageRequest, form: Query): Promise<Done> {
  const name = form.needed('name')
  const [first, instance] = [form.text('first'), form.whole('instance', 1, 1_000_000)]
  const { run, status, reason } = await withinDeadline(
    openPipelines(contextOf(request)).run(name, {
      ...(first === undefined ? {} : { first }),
      instance,
      by: `dashboard ${request.user.name}`,
    }),
  )
  if (run === undefined) return { note: `Pipeline ${name}: the request was ${status}: ${reason ?? ''}` }
  return { note: `Pipeline ${name}: run ${run} has started.`, to: address('run', { id: run }) }
}
