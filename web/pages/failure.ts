import { html } from 'hono/html'
import { parseLossless } from '../../runtime/core/codec.ts'
import { jsonText, jsonValue, textIn } from '../../runtime/core/json-text.ts'
import { failedClass, failedStep } from '../../runtime/inspect/failed.ts'
import { isSkippable } from '../../runtime/inspect/change.ts'
import { putBack, runAgain } from '../../runtime/inspect/failed-change.ts'
import { parseFailedAt } from '../../runtime/store/queues/resque-time.ts'
import { withCode } from '../../runtime/core/errors.ts'
import type { FailedEntry } from '../../runtime/store/queues/failures.ts'
import { within } from '../gather.ts'
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
import { evidence } from '../view/evidence.ts'
import { count, shown } from '../view/text.ts'
import {
  address,
  BadInput,
  Gone,
  contextOf,
  type Done,
  type Html,
  type Page,
  type Query,
  type Visit,
} from '../visit.ts'
import { argsOf, causeBadge } from './failed.ts'

/** What may be done to failed jobs. */
const failedVerbs = ['retry', 'remove'] as const
type FailedVerb = (typeof failedVerbs)[number]

const longestArgs = 1024 ** 2
/** Entries beside the place where one was, among which it is looked for when the list has shifted. */
const beside = 200

/** Retries one entry, which takes it off the list in the same step, or removes it. @returns false when the list has changed */
const changeOne = (visit: Visit, verb: FailedVerb, entry: FailedEntry): Promise<boolean> =>
  verb === 'remove' ? visit.store.failures.remove(entry) : putBack(contextOf(visit), entry, { keep: false })

/** The entry that is named by its place and its digest; when the list has shifted, one that lies beside. */
async function entryAt({ store }: Visit, index: number, digest: string): Promise<FailedEntry | undefined> {
  const [here] = await within(store.failures.list(index, 1))
  if (here?.digest === digest) return here
  const near = await within(store.failures.list(Math.max(0, index - beside), 2 * beside))
  return near.find((entry) => entry.digest === digest)
}

async function entryOf(visit: Visit, query: Query): Promise<FailedEntry> {
  const entry = await entryAt(visit, query.whole('at', 0), query.needed('digest', 40))
  if (!entry) throw new Gone('This failed job is no longer on the list: it was retried or removed.')
  return entry
}

/** One failed job with its evidence, and what can be done about it. */
export async function failurePage(visit: Visit): Promise<Page> {
  const entry = await entryOf(visit, visit.query)
  const step = failedStep(entry)
  const fields = { at: entry.index, digest: entry.digest }
  const buttons = html`${causeBadge(entry)} ${button(visit, 'failed-retry', 'Retry', fields, 'main')}
  ${visit.user.role === 'operator' && isEditable(entry) ? html`<a class="button" href="${address('edit', fields)}">Edit…</a>` : ''}
  ${carefulButton(visit, 'failed-remove', 'Remove', 'Remove this entry? The job does not run again.', fields)}`
  const body = html`${section(
    failedClass(entry),
    html`<p class="error"><strong>${shown(entry.exception, 200)}</strong> ${shown(entry.error, 2000)}</p>
      ${facts([
        ['Failed', time(parseFailedAt(entry.failed_at), visit.nowMs)],
        ['Queue', queueLink(entry.queue || '?')],
        ['Job', entry.id === undefined ? undefined : jobLink(entry.id)],
        ['Workflow run', step && html`${runLink(step.run)} step ${step.node}`],
        ['Worker', code(entry.worker || '?')],
        ['Retried', entry.retried_at === undefined ? undefined : time(Date.parse(entry.retried_at), visit.nowMs)],
        ['Place in the list', count(entry.index)],
      ])}`,
    buttons,
  )}
  ${entry.evidence === undefined ? '' : section('Evidence', evidence(JSON.stringify(entry.evidence)))}
  ${entry.backtrace.length === 0 ? '' : section('Stack', block(entry.backtrace.join('\n')))}
  ${section('Arguments', payload(argsOf(entry), visit))} ${earlier(entry)}`
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
export async function editPage(visit: Visit): Promise<Page> {
  const entry = await entryOf(visit, visit.query)
  const text = argsOf(entry)
  if (!isEditable(entry)) throw new BadInput('The arguments of this job cannot be edited.')
  const body = section(
    failedClass(entry),
    html`<form method="post" action="failed-edit" class="edit">
      ${hidden(visit, { at: entry.index, digest: entry.digest })}
      <p class="hint">A JSON array. Secret values are shown here, since they are part of what runs.</p>
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
export async function retryFailed(visit: Visit, form: Query): Promise<Done> {
  const entry = await entryOf(visit, form)
  const done = await within(changeOne(visit, 'retry', entry))
  if (!done) throw new BadInput('The list has changed meanwhile. Look again.')
  return { note: `Retried ${failedClass(entry)} of queue ${entry.queue}, failed at ${entry.failed_at}.`, to: 'failed' }
}

/** Removes one entry. */
export async function removeFailed(visit: Visit, form: Query): Promise<Done> {
  const entry = await entryOf(visit, form)
  if (!(await within(changeOne(visit, 'remove', entry))))
    throw new BadInput('The list has changed meanwhile. Look again.')
  return { note: `Removed the failed ${failedClass(entry)} of ${entry.failed_at}.`, to: 'failed' }
}

/** Retries or removes the entries whose boxes are ticked. */
export async function changeChosen(visit: Visit, form: Query): Promise<Done> {
  const change = form.oneOf('do', failedVerbs)
  if (change === undefined) throw new BadInput(`do: expected ${failedVerbs.join(' or ')}`)
  const chosen = form.all('id', 200).map((text) => /^(\d{1,9}):([0-9a-f]{40})$/.exec(text))
  if (chosen.length === 0) throw new BadInput('No failed job is chosen.')
  let done = 0
  const skipped: string[] = []
  // From the newest: indexes before an entry that goes stay as they are.
  for (const named of chosen.sort((a, b) => Number(b?.[1]) - Number(a?.[1]))) {
    const entry = named && (await entryAt(visit, Number(named[1]), named[2] ?? ''))
    try {
      if (entry && (await changeOne(visit, change, entry))) done += 1
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
export async function editFailed(visit: Visit, form: Query): Promise<Done> {
  const entry = await entryOf(visit, form)
  if (failedStep(entry)) throw new BadInput('A workflow step takes its arguments from its run; they cannot be edited.')
  const text = form.needed('args', longestArgs)
  if (!isArray(text)) throw new BadInput('args: expected a JSON array, such as ["u1", {"urgent": true}]')
  const keep = form.text('keep') !== undefined
  const done = await within(runAgain(contextOf(visit), entry, jsonText(parseLossless(text)), { keep }))
  if (!done) throw new BadInput('The list has changed meanwhile. Look again.')
  return { note: `Ran ${failedClass(entry)} again with other arguments.`, to: 'failed' }
}

const isArray = (text: string): boolean => Array.isArray(jsonValue(text))
