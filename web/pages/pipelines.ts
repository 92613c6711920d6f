import { html } from 'hono/html'
import { Pipelines } from '../../runtime/workflow/pipelines/pipelines.ts'
import { runTarget } from '../../runtime/inspect/runs.ts'
import { gather, within } from '../gather.ts'
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
import { address, Gone, placeOf, type Done, type Html, type Page, type Query, type Visit } from '../visit.ts'

const pipelinesOf = (visit: Visit): Pipelines => new Pipelines(runTarget(placeOf(visit)))

/** Pipelines, and the latest requests to run one. */
export async function pipelinesPage(visit: Visit): Promise<Page> {
  const pipelines = pipelinesOf(visit)
  const { all, requests, missing } = await gather({
    all: () => pipelines.list(),
    requests: () => pipelines.requests({ limit: 50 }),
  })
  const body = html`${section(
    'Pipelines',
    table(
      'Pipelines',
      ['Pipeline', 'Version#', 'Steps'],
      (all ?? []).map(({ version, definition }) => [
        html`<a href="${address('pipeline', { name: definition.name })}">${shown(definition.name, 100)}</a>`,
        version,
        short(definition.steps.map(({ name }) => name).join(' → '), 120),
      ]),
      html`No pipeline is loaded: <code>runtime pipeline load pipelines.yml</code>`,
    ),
  )}
  ${section('Run requests', requestTable(visit, requests ?? []))}`
  return { title: 'Pipelines', body, missing, refreshMs: 5000 }
}

type Requests = Awaited<ReturnType<Pipelines['requests']>>

function requestTable(visit: Visit, requests: Requests): Html {
  return table(
    'Run requests',
    ['Requested', 'Pipeline', 'Instance#', 'By', 'Status', 'Run or reason'],
    requests.map((request): Cell[] => [
      time(request.requestedAtMs, visit.nowMs),
      html`<a href="${address('pipeline', { name: request.pipeline })}">${shown(request.pipeline, 80)}</a>`,
      request.instance,
      short(request.by, 40),
      badge(request.status, request.status === 'Accepted' ? 'good' : request.status === 'Rejected' ? 'bad' : 'warn'),
      request.run === undefined ? short(request.reason ?? '', 120) : runLink(request.run),
    ]),
    'No run was requested.',
  )
}

/** One pipeline: its steps, parameters and runs. */
export async function pipelinePage(visit: Visit): Promise<Page> {
  const name = visit.query.needed('name')
  const pipelines = pipelinesOf(visit)
  const { found, runs, params, requests, missing } = await gather({
    found: () => pipelines.find(name),
    runs: () => pipelines.runs(name, 50),
    params: () => pipelines.params(name),
    requests: () => pipelines.requests({ pipeline: name, limit: 20 }),
  })
  if (!found && missing.some((each) => each.includes('ERR_NOT_FOUND'))) throw new Gone(`There is no pipeline ${name}.`)
  const steps = found?.definition.steps ?? []
  const body = html`${section(
    `Version ${found?.version ?? '?'}`,
    table(
      'Steps of the pipeline',
      ['Place#', 'Step', 'Definition'],
      steps.map((step, i) => [String(i + 1), code(step.name), html`<code>${shown(JSON.stringify(step), 300)}</code>`]),
      'It has no steps.',
    ),
    visit.user.role === 'operator'
      ? html`<form method="post" action="pipeline-run" class="inline filters">
          ${hidden(visit, { name })}
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
      ['Run', 'Instance#', 'Status', 'Stands at', 'Created', ''],
      (runs ?? []).map((run) => [
        runLink(run.id),
        run.instance,
        state(run.status),
        run.at === undefined ? '' : html`${shown(run.at.step, 80)} ${state(run.at.state)}`,
        time(run.createdAtMs, visit.nowMs),
        run.status === 'failed' ? button(visit, 'run-continue', 'Continue', { id: run.id }) : '',
      ]),
      'It has not run.',
    ),
  )}
  ${Object.keys(params ?? {}).length === 0 ? '' : section('Parameters', payload(JSON.stringify(params), visit))}
  ${section('Run requests', requestTable(visit, requests ?? []))}`
  return { title: `Pipeline ${name}`, body, missing, refreshMs: 5000 }
}

/** Requests a run; it is accepted and started, or rejected with a reason. */
export async function runPipeline(visit: Visit, form: Query): Promise<Done> {
  const name = form.needed('name')
  const [first, instance] = [form.text('first'), form.whole('instance', 1, 1_000_000)]
  const request = await within(
    pipelinesOf(visit).run(name, {
      ...(first === undefined ? {} : { first }),
      instance,
      by: `dashboard ${visit.user.name}`,
    }),
  )
  if (request.run === undefined)
    return { note: `Pipeline ${name}: the request was ${request.status}: ${request.reason ?? ''}` }
  return { note: `Pipeline ${name}: run ${request.run} has started.`, to: address('run', { id: request.run }) }
}
