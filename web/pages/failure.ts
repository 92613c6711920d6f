import { html } from 'hono/html'
import { parseLossless } from '../../runtime/core/codec.ts'
import { jsonText, jsonValue, textIn } from '../../runtime/core/json-text.ts'
import { failedClass, failedStep } from '../../runtime/inspect/failed.ts'
import { isSkippable } from '../../runtime/inspect/changes/change.ts'
import * as changes from '../../runtime/inspect/changes/failed.ts'
import { parseFailedAt } from '../../runtime/store/queues/resque-time.ts'
import { withCode } from '../../runtime/core/errors.ts'
import type { FailedEntry } from '../../runtime/store/queues/failures.ts'
import { withinDeadline } from '../deadline.ts'
import {
  block,
  button,
  carefulButton,
  code,
  facts,
  hidden,
  jobLink,
  payload,
  queueLink,
  runLink,
  section,
  table,
  time,
} from '../view/parts.ts'
import { evidence } from '../view/job-end.ts'
import { count, shown } from '../view/text.ts'
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
import { argsOf, causeBadge } from './failed.ts'

/** What may be done to failed jobs. */
const failedVerbs = ['retry', 'remove'] as const
type FailedVerb = (typeof failedVerbs)[number]

const longestArgs = 1024 ** 2
/** Entries beside the place where one was, among which it is looked for when the list has shifted. */
const beside = 200

/** Retries one entry, which takes it off the list in the same step, or removes it. @returns false when the list has changed */
const changeOne = (request: PageRequest, verb: FailedVerb, entry: FailedEntry): Promise<boolean> =>
  verb === 'remove'
    ? changes.removeFailed(contextOf(request), entry)
    : changes.requeueFailed(contextOf(request), entry, { keep: false })

/** The entry that is named by its place and its digest; when the list has shifted, one that lies beside. */
async function entryAt({ store }: PageRequest, index: number, digest: string): Promise<FailedEntry | undefined> {
  const [here] = await withinDeadline(store.failures.list(index, 1))
  if (here?.digest === digest) return here
  const near = await withinDeadline(store.failures.list(Math.max(0, index - beside), 2 * beside))
  return near.find((entry) => entry.digest === digest)
}

async function entryOf(request: PageRequest, query: Query): Promise<FailedEntry> {
  const entry = await entryAt(request, query.whole('at', 0), query.needed('digest', 40))
  if (!entry) throw new NotFound('This failed job is no longer on the list: it was retried or removed.')
  return entry
}

/** One failed job with its evidence, and what can be done about it. */
export async function failurePage(request: PageRequest): Promise<Page> {
  const entry = await entryOf(request, request.query)
  const step = failedStep(entry)
  const fields = { at: entry.index, digest: entry.digest }
  const buttons = html`${causeBadge(entry)} ${button(request, 'failed-retry', 'Retry', fields, 'main')}
  ${request.user.role === 'operator' && isEditable(entry) ? html`<a class="button" href="${address('edit', fields)}">Edit…</a>` : ''}
  ${carefulButton(request, 'failed-remove', 'Remove', 'Remove this entry? The job does not run again.', fields)}`
  const body = html`${section(
    failedClass(entry),
    html`<p class="error"><strong>${shown(entry.exception, 200)}</strong> ${shown(entry.error, 2000)}</p>
      ${facts([
        ['Failed', time(parseFailedAt(entry.failed_at), request.nowMs)],
        ['Queue', queueLink(entry.queue || '?')],
        ['Job', entry.id === undefined ? undefined : jobLink(entry.id)],
        ['Workflow run', step && html`${runLink(step.run)} step ${step.node}`],
        ['Worker', code(entry.worker || '?')],
        ['Retried', entry.retried_at === undefined ? undefined : time(Date.parse(entry.retried_at), request.nowMs)],
        ['Position in the list', count(entry.index)],
      ])}`,
    buttons,
  )}
  ${entry.evidence === undefined ? '' : section('Evidence', evidence(JSON.stringify(entry.evidence)))}
  ${(entry.backtrace ?? []).length === 0 ? '' : section('Stack', block([entry.backtrace].flat().map(String).join('\n')))}
  ${section('Arguments', payload(argsOf(entry), request))} ${earlier(entry)}`
  return { title: 'Failed job', body }
}

function earlier({ attempts }: FailedEntry): Html | string {
  if (!Array.isArray(attempts) || attempts.length === 0) return ''
  const rows = attempts.map((attempt, i) => [
    textIn(attempt['attempt'] ?? i + 1),
    shown(textIn(attempt['cause']), 60),
    shown(`${textIn(attempt['name'])} ${textIn(attempt['message'])}`, 300),
  ])
  return section('Attempts', table('Attempts', ['Attempt#', 'Cause', 'Error'], rows, ''))
}

/** The arguments to edit, on a page of their own: only here, and only to operators, are secret values shown. */
export async function editPage(request: PageRequest): Promise<Page> {
  const entry = await entryOf(request, request.query)
  const text = argsOf(entry)
  if (!isEditable(entry)) throw new BadInput('The arguments of this job cannot be edited.')
  const body = section(
    failedClass(entry),
    html`<form method="post" action="failed-edit" class="edit">
      ${hidden(request, { at: entry.index, digest: entry.digest })}
      <p class="hint">A JSON array. Secret values are shown here because the job needs them.</p>
      <label
        ><span class="hidden">Arguments</span
        ><textarea name="args" rows="14" spellcheck="false" autocomplete="off">${text}</textarea>
      </label>
      <label class="check"><input type="checkbox" name="keep" value="yes" /> keep this entry on the list</label>
      <button class="main">Run with these arguments</button>
    </form>`,
  )
  return { title: 'Edit and run again', body }
}

/** A step takes its arguments from its run. */
const isEditable = (entry: FailedEntry): boolean =>
  !failedStep(entry) && entry.payload.startsWith('{') && argsOf(entry).length <= longestArgs / 4

/** Retries one failed job; its entry goes in the same step. */
export async function retryFailed(request: PageRequest, form: Query): Promise<Done> {
  const entry = await entryOf(request, form)
  const done = await withinDeadline(changeOne(request, 'retry', entry))
  if (!done) throw new BadInput('The list has changed. Reload the page and try again.')
  return { note: `Retried ${failedClass(entry)} of queue ${entry.queue}, failed at ${entry.failed_at}.`, to: 'failed' }
}

/** Removes one entry. */
export async function removeFailed(request: PageRequest, form: Query): Promise<Done> {
  const entry = await entryOf(request, form)
  if (!(await withinDeadline(changeOne(request, 'remove', entry))))
    throw new BadInput('The list has changed. Reload the page and try again.')
  return { note: `Removed the failed ${failedClass(entry)} of ${entry.failed_at}.`, to: 'failed' }
}

/** Retries or removes the entries whose boxes are ticked. */
export async function changeChosen(request: PageRequest, form: Query): Promise<Done> {
  const change = form.oneOf('do', failedVerbs)
  if (change === undefined) throw new BadInput(`do: expected ${failedVerbs.join(' or ')}`)
  const chosen = form.all('id', 200).map((text) => /^(\d{1,9}):([0-9a-f]{40})$/.exec(text))
  if (chosen.length === 0) throw new BadInput('No failed job is selected.')
  let done = 0
  const skipped: string[] = []
  // From the newest: indexes before an entry that goes stay as they are.
  for (const named of chosen.sort((a, b) => Number(b?.[1]) - Number(a?.[1]))) {
    const entry = named && (await entryAt(request, Number(named[1]), named[2] ?? ''))
    try {
      if (entry && (await changeOne(request, change, entry))) done += 1
      else skipped.push('it is no longer on the list')
    } catch (error) {
      if (!isSkippable(error)) throw error
      skipped.push(withCode(error))
    }
  }
  const rest = skipped.length === 0 ? '' : ` Skipped ${skipped.length}: ${[...new Set(skipped)].slice(0, 3).join('; ')}`
  return { note: `${change === 'retry' ? 'Retried' : 'Removed'} ${done} of ${chosen.length} failed jobs.${rest}` }
}

/** Runs a failed job with other arguments. */
export async function editFailed(request: PageRequest, form: Query): Promise<Done> {
  const entry = await entryOf(request, form)
  if (failedStep(entry)) throw new BadInput('A workflow step takes its arguments from its run; they cannot be edited.')
  const text = form.needed('args', longestArgs)
  if (!isArray(text)) throw new BadInput('args: expected a JSON array, such as ["u1", {"urgent": true}]')
  const keep = form.text('keep') !== undefined
  const done = await withinDeadline(
    changes.retryWithArgs(contextOf(request), entry, jsonText(parseLossless(text)), { keep }),
  )
  if (!done) throw new BadInput('The list has changed. Reload the page and try again.')
  return { note: `Ran ${failedClass(entry)} again with other arguments.`, to: 'failed' }
}

const isArray = (text: string): boolean => Array.isArray(jsonValue(text))
