import { html } from 'hono/html'
import { shown } from '../view/text.ts'
import type { Page } from '../request.ts'

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
