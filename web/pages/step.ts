import { html } from 'hono/html'
import { loadJobsAt } from '../../runtime/workflow/run/run-jobs.ts'
import { gather, within } from '../gather.ts'
import { badge, block, code, facts, lasting, payload, queueLink, section, state, time } from '../view/parts.ts'
import { address, Gone, type Page, type Visit } from '../visit.ts'
import { stepButtons } from './run.ts'

/** One step: its arguments, output, error, attempts and log. */
export async function stepPage(visit: Visit): Promise<Page> {
  const [id, index] = [visit.query.needed('run'), visit.query.whole('step', 0)]
  const { read } = visit.store.runs
  const run = await within(read.find(id))
  if (!run) throw new Gone(`There is no workflow run ${id}.`)
  const { job, params, output, failed, missing } = await gather({
    job: async () => (await loadJobsAt(read, run, [index]))[0],
    params: async () => (await read.texts(id, 'params', [index]))[0],
    output: async () => (await read.texts(id, 'outputs', [index]))[0],
    failed: async () => (await read.failed(id, 1000)).find((each) => each.index === index),
  })
  if (!job && missing.length === 0) throw new Gone(`Run ${id} has no step ${index}.`)
  const body = html`${section(
    job?.label ?? job?.class ?? `Step ${index}`,
    facts([
      ['Run', html`<a href="${address('run', { id })}">${run.class} ${id}</a>`],
      ['Class', job && code(job.class)],
      ['Queue', job && queueLink(job.queue)],
      ['Attempts', job?.attempts],
      ['Started', job?.startedAt === undefined ? undefined : time(job.startedAt, visit.nowMs)],
      ['Ended', job?.endedAt === undefined ? undefined : time(job.endedAt, visit.nowMs)],
      ['Took', job?.startedAt === undefined ? undefined : lasting((job.endedAt ?? visit.nowMs) - job.startedAt)],
    ]),
    html`${job ? state(job.state) : badge('unknown')} ${job ? stepButtons(visit, id, job) : ''}`,
  )}
  ${failed ? section('Error', block(errorText(failed.error))) : ''}
  ${params === undefined ? '' : section('Arguments', payload(params, visit))}
  ${output === undefined ? '' : section('Output', payload(output, visit))}`
  return { title: `Step ${index}`, body, missing, refreshMs: 4000 }
}

function errorText(json: string): string {
  const {
    name = 'Error',
    message = '',
    backtrace = [],
  } = JSON.parse(json) as { name?: string; message?: string; backtrace?: string[] }
  return [`${name}: ${message}`, ...backtrace].join('\n')
}
