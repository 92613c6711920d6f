import { html } from 'hono/html'
import { address, type Html, type PageRequest } from '../request.ts'
import { MaskedJson } from './masked-json.ts'
import { relative, shown, span } from './text.ts'

/** Characters of a payload that a page shows; the rest is a download. */
export const longestPayload = 10_000

/** A table, or a sentence where it has no rows. @param head with a trailing `#` for a column of numbers */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  none: Html | string,
): Html {
  if (rows.length === 0) return html`<p class="none">${none}</p>`
  const right = head.map((name) => name.endsWith('#'))
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption class="hidden">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${head.map((name, i) => html`<th scope="col" class="${right[i] ? 'number' : ''}">${name === '' ? html`<span class="hidden">Actions</span>` : name.replace('#', '')}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell, i) => html`<td class="${right[i] ? 'number' : ''}">${safe(cell)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

/** What a cell of a table may be; `undefined` is shown as unknown, never as 0. */
export type Cell = Html | string | number | undefined

/** A text as a page may show it: what was put together with `html` is so already. */
const safe = (cell: Cell): Cell => (typeof cell === 'string' ? shown(cell, 2000) : cell)

/** Names and their values; entries without a value are left out. */
export function facts(entries: readonly (readonly [name: string, value: Cell])[]): Html {
  const given = entries.filter(([, value]) => value !== undefined && value !== '')
  return html`<dl class="facts">
    ${given.map(
      ([name, value]) =>
        html`<div>
          <dt>${shown(name, 200)}</dt>
          <dd>${safe(value)}</dd>
        </div>`,
    )}
  </dl>`
}

/** A part of a page with a heading. */
export function section(title: Html | string, body: Html, aside: Html | string = ''): Html {
  return html`<section class="card">
    <header>
      <h2>${safe(title)}</h2>
      <div class="aside">${aside}</div>
    </header>
    ${body}
  </section>`
}

/** A moment: relative, with the absolute time beside it for the pointer, readers and copying; `dashboard.js` adds the reader's zone. */
export function time(atMs: number | undefined, nowMs: number): Html | string {
  if (atMs === undefined || !Number.isFinite(atMs) || Math.abs(atMs) > 8.64e15) return '–'
  const iso = new Date(atMs).toISOString()
  return html`<time datetime="${iso}" title="${iso.slice(0, 19).replace('T', ' ')} UTC">${relative(atMs, nowMs)}</time>`
}

/** A length of time; unknown where it is. */
export const lasting = (ms: number | undefined): string => (ms === undefined ? '–' : span(ms))

/** A word with a colour for its meaning. */
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'plain'
export const badge = (word: string, tone: Tone = 'plain'): Html =>
  html`<span class="badge ${tone}">${shown(word, 60)}</span>`

const tones: Record<string, Tone> = {
  done: 'good',
  finished: 'good',
  accepted: 'good',
  Complete: 'good',
  running: 'busy',
  Running: 'busy',
  queued: 'busy',
  failed: 'bad',
  Failed: 'bad',
  Stuck: 'bad',
  rejected: 'bad',
  refused: 'bad',
  held: 'warn',
  delayed: 'warn',
  stopped: 'warn',
  cancelled: 'warn',
  discarded: 'warn',
  skipped: 'warn',
  paused: 'warn',
}

/** The state of a job, step, run or request; a damaged record may have none. */
export const state = (word = 'unknown'): Html => badge(word, tones[word])

/** Text of Redis in one line, whole for the pointer. */
export function short(text: string, most = 80): Html | string {
  return text.length <= most ? shown(text) : html`<span title="${shown(text, 1000)}">${shown(text, most)}</span>`
}

/** A name as code, whose letters cannot be mistaken and whose direction affects nothing around it. */
export const code = (text: string, most = 200): Html => html`<code>${shown(text, most)}</code>`

/** JSON of a job in one line, masked. */
export function args(json: string, { settings }: PageRequest, most = 120): Html {
  return html`<code class="args">${shown(new MaskedJson(settings.mask).write(json, { most }), most + 1)}</code>`
}

/** JSON of a job, a member a line, masked, cut; with a button that copies it. */
export function payload(json: string, { settings }: PageRequest): Html {
  const text = new MaskedJson(settings.mask).write(json, { pretty: true, most: longestPayload })
  return block(text)
}

/** Lines of text as they are. */
export function block(text: string): Html {
  return html`<div class="block">
    <button type="button" class="copy" data-copy hidden>Copy</button>
    <pre tabindex="0">${shown(text, longestPayload + 1)}</pre>
  </div>`
}

/** A form of one button that changes something. @param fields of the form, hidden */
export function button(
  request: PageRequest,
  action: string,
  label: string,
  fields: Record<string, string | number | undefined> = {},
  tone: 'plain' | 'main' | 'bad' = 'plain',
): Html | string {
  if (request.user.role !== 'operator') return ''
  return html`<form method="post" action="${action}" class="inline">
    ${hidden(request, fields)}<button class="${tone}">${label}</button>
  </form>`
}

/** A button that opens first and asks: works without JavaScript, and says what it does to how many. */
export function carefulButton(
  request: PageRequest,
  action: string,
  label: string,
  question: string,
  fields: Record<string, string | number | undefined> = {},
): Html | string {
  if (request.user.role !== 'operator') return ''
  return html`<details class="careful">
    <summary class="button">${label}…</summary>
    <div class="popup">
      <p>${question}</p>
      ${button(request, action, label, fields, 'bad')}
    </div>
  </details>`
}

/** What every form carries: its token, where to go back to, and its fields. */
export function hidden(request: PageRequest, fields: Record<string, string | number | undefined> = {}): Html[] {
  const all = { csrf: request.csrf, back: request.address, ...fields }
  return Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [html`<input type="hidden" name="${name}" value="${String(value)}" />`],
  )
}

/** A form of filters that live in the address. @param fields as {@link field} and {@link choice} make them */
export function filters(page: string, fields: readonly Html[], isFiltered: boolean): Html {
  return html`<form method="get" action="${page}" class="filters">
    ${fields}<button>Filter</button>${isFiltered ? html`<a href="${page}">Clear</a>` : ''}
  </form>`
}

/** A text field of a filter. */
export const field = (name: string, label: string, value: string | undefined, hint = ''): Html =>
  html`<label
    >${label}<input
      name="${name}"
      value="${value ?? ''}"
      placeholder="${hint}"
      maxlength="500"
      autocomplete="off"
      spellcheck="false"
  /></label>`

/** A choice of a filter; blank is all. */
export const choice = (name: string, label: string, words: readonly string[], value: string | undefined): Html =>
  html`<label
    >${label}<select name="${name}">
      <option value="">all</option>
      ${words.map(
        (word) => html`<option value="${word}" ${word === value ? html`selected` : ''}>${shown(word, 60)}</option>`,
      )}
    </select></label
  >`

/** Links to the pages before and after. @param total undefined where it is not known; `hasMore` then decides */
export function pager(
  page: string,
  filter: Record<string, string | number | undefined>,
  at: { from: number; shown: number; total?: number; hasMore?: boolean; size: number },
): Html | string {
  const { from, total, size } = at
  const hasMore = at.hasMore ?? (total !== undefined && from + at.shown < total)
  if (from === 0 && !hasMore) return ''
  const link = (label: string, start: number, rel: string): Html =>
    html`<a class="button" rel="${rel}" href="${address(page, { ...filter, from: start || undefined })}">${label}</a>`
  return html`<nav class="pager" aria-label="Parts of the list">
    ${from > 0 ? link('Newer', Math.max(0, from - size), 'prev') : ''}<span>${
      at.shown === 0
        ? 'none here'
        : `${(from + 1).toLocaleString('en-US')}–${(from + at.shown).toLocaleString('en-US')}`
    }${total === undefined ? '' : ` of ${total.toLocaleString('en-US')}`}</span>${hasMore ? link('Older', from + size, 'next') : ''}
  </nav>`
}

/** A bar of a share, from 0 to 1, whose number stands beside it. */
export const bar = (share: number, tone: Tone = 'busy'): Html =>
  html`<meter class="${tone}" min="0" max="1" value="${Math.max(0, Math.min(1, share)).toFixed(3)}"></meter>`

/** Links to what is named. */
export const jobLink = (id: string): Html => html`<a class="id" href="${address('job', { id })}">${shown(id, 40)}</a>`
export const queueLink = (name: string): Html => html`<a href="${address('queue', { name })}">${shown(name, 80)}</a>`
export const runLink = (id: string): Html => html`<a class="id" href="${address('run', { id })}">${shown(id, 40)}</a>`
