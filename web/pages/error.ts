import { html } from 'hono/html'
import { shown } from '../view/text.ts'
import { codeOf, hasCode, withCode } from '../../runtime/core/errors.ts'
import { BadInput, NotFound, type Page } from '../request.ts'

/** A page that says why there is nothing else on it. */
export function errorPage(title: string, text: string): Page {
  return {
    title,
    body: html`<section class="card">
      <p>${shown(text, 2000)}</p>
      <p><a href="./">Overview</a></p>
    </section>`,
  }
}

/** What an error of a page or a change is shown as. @throws the error itself, where it is a fault of the dashboard */
export function pageOfError(error: unknown): { page: Page; status: number } {
  const [status, title] = answerTo(error) ?? []
  if (status === undefined || title === undefined) throw error
  const text = error instanceof BadInput || error instanceof NotFound ? error.message : withCode(error)
  return { page: errorPage(title, text), status }
}

function answerTo(error: unknown): [status: number, title: string] | undefined {
  if (error instanceof BadInput || hasCode(error, 'ERR_ARGUMENT') || hasCode(error, 'ERR_NOT_JSON'))
    return [400, 'Bad request']
  if (error instanceof NotFound || hasCode(error, 'ERR_NOT_FOUND')) return [404, 'Not found']
  if (hasCode(error, 'ERR_STATE')) return [409, 'Not done']
  if (hasCode(error, 'ERR_REDIS') || hasCode(error, 'ERR_TIMEOUT')) return [503, 'Redis does not answer']
  // A key of another type, or a definition that was changed in Redis: the message says which.
  return codeOf(error) === undefined ? undefined : [500, 'Not readable']
}
