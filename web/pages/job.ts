import { html } from 'hono/html'
import { formatBytes } from '../../runtime/core/size.ts'
import { jobView, runningJob, type JobView } from '../../runtime/inspect/job.ts'
import { jobClass } from '../../runtime/inspect/running.ts'
import { endStates } from '../../runtime/store/queues/jobs.ts'
import { locationLines } from '../../runtime/store/workers/stacks.ts'
import { readParts, withinDeadline } from '../deadline.ts'
import { attemptsPart, errorSection, evidence } from '../view/job-end.ts'
import {
  badge,
  block,
  button,
  code,
  facts,
  jobLink,
  payload,
  queueLink,
  runLink,
  section,
  state,
  time,
} from '../view/parts.ts'
import { count, shown, span } from '../view/text.ts'
import {
  address,
  BadInput,
  NotFound,
  contextOf,
  type Done,
  type Html,
  type Page,
  type Query,
  type PageRequest,
} from '../request.ts'
import { progress } from './running.ts'

/** One job, from its birth to its end. */
export async function jobPage(request: PageRequest): Promise<Page> {
  const id = request.query.needed('id')
  const job = await withinDeadline(jobView(contextOf(request), id))
  const { record, status, item, args: own } = job
  const isOver = record === undefined || endStates.includes(record.state)
  const word = job.archived?.outcome ?? status.state
  const buttons = html`${state(word)}
  ${word === 'running' ? html`<a class="button" href="${address('stack', { id })}">Stack now</a>` : ''}
  ${isOver ? '' : button(request, 'job-cancel', 'Cancel', { id })}
  ${job.failed ? html`<a class="button" href="${address('failure', { at: job.failed.index, digest: job.failed.digest })}">Entry on the failed list</a>` : ''}`
  const error = record?.error ?? (status.error === undefined ? undefined : JSON.stringify(status.error))
  const given = item ?? own
  const body = html`${section(jobClass({ class: job.class, ...(item === undefined ? {} : { item }) }) ?? '?', html`${timeline(job, request.nowMs)} ${factsOf(job, request)}`, buttons)}
  ${error === undefined ? '' : errorSection(error)}
  ${job.evidence === undefined ? '' : section('Evidence', evidence(JSON.stringify(job.evidence)))}
  ${given === undefined ? '' : section('Arguments', payload(given, request))}
  ${record?.options ? section('Options', payload(record.options, request)) : ''}
  ${job.result === undefined ? '' : section('Result', payload(job.result, request))}
  ${attemptsPart(job.attempts, request)} ${job.log.length === 0 ? '' : section('Log', block(job.log.join('\n')))}`
  return { title: `Job ${id}`, body, ...(isOver ? {} : { refreshMs: 3000 }) }
}

function factsOf(job: JobView, { nowMs }: PageRequest): Html {
  const { record, status, archived, worker, limit } = job
  const queue = status.queue ?? record?.queue
  return facts([
    ['ID', code(job.id)],
    ['Queue', queue === undefined ? undefined : queueLink(queue)],
    ['Position in the queue', job.place === undefined ? undefined : count(job.place)],
    ['Attempt', status.attempt],
    ['Redeliveries', record?.redeliveries === '0' ? undefined : record?.redeliveries],
    ['Worker', record?.worker === undefined ? status.worker && code(status.worker) : code(record.worker)],
    [
      "Worker's lease",
      worker &&
        (worker.leaseLeftMs > 0
          ? `ends in ${span(worker.leaseLeftMs)}`
          : badge(`ended ${span(-worker.leaseLeftMs)} ago`, 'bad')),
    ],
    ['PID', record?.pid],
    ['Peak memory', archived?.peakRssBytes === undefined ? undefined : formatBytes(archived.peakRssBytes)],
    ['Unique lock', record?.unique === undefined ? undefined : code(record.unique)],
    ['Workflow run', job.step && runLink(job.step.run)],
    [
      'Step',
      job.step &&
        html`<a href="${address('step', { run: job.step.run, step: job.step.node })}">${String(job.step.node)}</a>`,
    ],
    ['Waits for limit', limit && html`<a href="limits">${code(limit.key)}</a>`],
    ['Position among waiting jobs', limit?.place],
    ['Running jobs of the limit', limit && html`${limit.holders.slice(0, 5).map((id) => html`${jobLink(id)} `)}`],
    ['Progress', record?.progress === undefined ? undefined : progress(record.progress)],
    ['Cause', status.cause],
    ['Record kept until', archived && !record ? 'expired; this page shows the archived record' : undefined],
    ['Archived', archived === undefined ? undefined : time(archived.endedAtMs, nowMs)],
  ])
}

/** What happened when, each with how long it took. */
function timeline({ moments, status }: JobView, nowMs: number): Html {
  const names = {
    enqueued: 'enqueued',
    due: 'due',
    started: 'started',
    ended: status.state === 'unknown' ? 'ended' : status.state,
  }
  const phases: Record<string, string> = { started: 'waited', ended: 'ran' }
  return html`<ol class="timeline">
    ${moments.map(({ name, atMs }, i) => {
      const before = moments[i - 1]?.atMs
      return html`<li>
        <strong>${names[name]}</strong>
        ${time(atMs, nowMs)}${before === undefined ? '' : html` <small>${phases[name] ?? 'after'} ${span(Math.max(0, atMs - before))}</small>`}
      </li>`
    })}
  </ol>`
}

/** A page answers within two seconds. */
const longestAskMs = 1000

/** Where a running job is, asked from its worker now. */
export async function stackPage(request: PageRequest): Promise<Page> {
  const id = request.query.needed('id')
  const record = await withinDeadline(runningJob(contextOf(request), id))
  const { answer, missing } = await readParts({ answer: () => request.store.stacks.ask(id, longestAskMs) })
  const body = section(
    html`${jobClass(record) ?? '?'} ${code(id)}`,
    answer === undefined
      ? html`<p>
          The worker did not answer within a second. <code>runtime job stack ${shown(id, 60)}</code> waits longer. The
          <a href="workers">Workers page</a> shows whether the worker is alive.
        </p>`
      : block(locationLines(answer.where).join('\n')),
    html`<a class="button" href="${address('stack', { id })}">Ask again</a>
      <a class="button" href="${address('job', { id })}">The job</a>`,
  )
  return { title: 'Stack now', body, missing }
}

/** Cancels a job that waits, or asks for the end of one that runs. */
export async function cancelJob({ store, nowMs, settings }: PageRequest, form: Query): Promise<Done> {
  const id = form.needed('id')
  const reply = await withinDeadline(store.jobs.cancel(id, nowMs, settings.config.limits.recordTtlMs))
  if (reply === 'cancelled') return { note: `Cancelled job ${id}.` }
  if (reply === 'running') return { note: `Asked the worker of job ${id} to stop it.` }
  if (reply === 'unknown') throw new NotFound(`Job ${id} is unknown: its record has expired, or it never existed.`)
  throw new BadInput(`Job ${id} cannot be cancelled: it is ${reply}.`)
}

/** Leads from whatever was typed to its page. */
export async function findPage(request: PageRequest): Promise<Page> {
  const id = request.query.needed('id', 200).trim()
  const { record, run, queues, pipelines } = await readParts({
    record: () => request.store.jobs.find(id),
    run: () => request.store.runs.read.find(id),
    queues: () => request.store.queues.names(),
    pipelines: () => request.store.pipelines.names(),
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
