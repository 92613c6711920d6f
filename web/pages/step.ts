import { html } from 'hono/html'
import { stepView } from '../../runtime/inspect/step.ts'
import { withinDeadline } from '../deadline.ts'
import { attemptsPart, errorSection, evidence } from '../view/job-end.ts'
import { block, code, facts, jobLink, lasting, payload, queueLink, section, state, time } from '../view/parts.ts'
import { address, contextOf, type Page, type PageRequest } from '../request.ts'
import { stepButtons } from './run.ts'

/** One step: its arguments, output, error, attempts and log. */
export async function stepPage(request: PageRequest): Promise<Page> {
  const [id, index] = [request.query.needed('run'), request.query.whole('step', 0)]
  const { nowMs } = request
  const { run, step, job, ...view } = await withinDeadline(stepView(contextOf(request), id, index))
  const { startedAt, endedAt } = step
  const body = html`${section(
    step.label ?? step.class,
    facts([
      ['Run', html`<a href="${address('run', { id })}">${run.class} ${id}</a>`],
      ['Class', code(step.class)],
      ['Queue', queueLink(step.queue)],
      ['Job', job === undefined ? undefined : jobLink(job)],
      ['Attempts', step.attempts],
      ['Started', startedAt === undefined ? undefined : time(startedAt, nowMs)],
      ['Ended', endedAt === undefined ? undefined : time(endedAt, nowMs)],
      ['Took', startedAt === undefined ? undefined : lasting(Math.max(0, (endedAt ?? nowMs) - startedAt))],
    ]),
    html`${state(step.state)} ${stepButtons(request, id, step)}`,
  )}
  ${view.error === undefined ? '' : errorSection(view.error)}
  ${view.evidence === undefined ? '' : section('Evidence', evidence(JSON.stringify(view.evidence)))}
  ${view.params === undefined ? '' : section('Arguments', payload(view.params, request))}
  ${view.output === undefined ? '' : section('Output', payload(view.output, request))}
  ${attemptsPart(view.attempts, request)} ${view.log.length === 0 ? '' : section('Log', block(view.log.join('\n')))}`
  return { title: `Step ${index}`, body, refreshMs: 4000 }
}
