import { html } from 'hono/html'
import type { AssetName } from '../assets.ts'
import type { Html, Page, PageRequest } from '../request.ts'
import { hidden } from './parts.ts'
import { shown } from './text.ts'

/** Pages by subject, in the order of the menu: the path and its name. */
const menu: readonly (readonly (readonly [path: string, name: string])[])[] = [
  [
    ['./', 'Overview'],
    ['failed', 'Failed'],
    ['running', 'Running'],
    ['queues', 'Queues'],
    ['delayed', 'Delayed'],
    ['charts', 'Charts'],
  ],
  [
    ['workers', 'Workers'],
    ['schedule', 'Schedule'],
    ['workflows', 'Workflows'],
    ['pipelines', 'Pipelines'],
  ],
  [
    ['archive', 'Archive'],
    ['limits', 'Limits'],
    ['redis', 'Redis'],
    ['audit', 'Audit'],
  ],
]
/** Pages that belong to one of the menu. */
const under: Record<string, string> = {
  queue: 'queues',
  job: 'archive',
  failure: 'failed',
  edit: 'failed',
  run: 'workflows',
  step: 'workflows',
  pipeline: 'pipelines',
}
/** Lists whose entries are changed together, by `of` in the address of the change. */
const changed: Record<string, string> = { delayed: 'delayed', queue: 'queues', runs: 'workflows' }

/** htmx: no eval, no styles of its own, requests only to this site; a morph leaves `<details>` open. */
const htmxConfig = JSON.stringify({
  includeIndicatorCSS: false,
  history: false,
  mode: 'same-origin',
  defaultTimeout: 5000,
  morphIgnore: ['data-htmx-powered', 'open'],
})

type Assets = Record<AssetName, string>

/** A whole document. @param isBad the verdict: what the icon of the browser's tab shows */
export function document(request: PageRequest, page: Page, assets: Assets, isBad: boolean): Html {
  const { environment } = request.settings
  return html`<!doctype html>
    <html lang="en" ${request.theme ? html`data-theme="${request.theme}"` : ''}>
      ${head(page.title, environment, assets, isBad)}
      <body>
        <a class="skip" href="#main">Skip to content</a>
        ${sidebar(request)}
        <main id="main" tabindex="-1">
          <div class="top">
            <h1>${shown(page.title, 120)}</h1>
            ${environment === '' ? '' : html`<span class="badge environment ${/prod/i.test(environment) ? 'bad' : 'plain'}">${shown(environment, 40)}</span>`}
          </div>
          ${request.notice === undefined ? '' : html`<p class="notice" role="status">${shown(request.notice, 1000)}</p>`}
          ${live(request, page)}
        </main>
        <script src="${assets['dashboard.js']}" defer></script>
      </body>
    </html>`
}

/** What a live update replaces: all but the frame. */
function live(request: PageRequest, page: Page): Html {
  const rendered = new Date(request.nowMs).toISOString()
  const updates =
    page.refreshMs === undefined
      ? ''
      : html`hx-get="${request.address}" hx-trigger="refresh" hx-select="#live" hx-target="this" hx-swap="outerMorph"
        data-refresh="${page.refreshMs}"`
  return html`<div id="live" ${updates} data-rendered="${request.nowMs}">
    ${
      (page.missing ?? []).length === 0
        ? ''
        : html`<div class="missing" role="alert">
            <strong>Parts of this page could not be read.</strong>
            <ul>
              ${page.missing?.map((each) => html`<li>${shown(each, 400)}</li>`)}
            </ul>
          </div>`
    }
    ${page.body}
    <p class="rendered">
      <span data-stale hidden>This page is out of date: the server does not answer. </span>Rendered at
      <time datetime="${rendered}">${rendered.slice(0, 19).replace('T', ' ')} UTC</time>
    </p>
  </div>`
}

function head(title: string, environment: string, assets: Assets, isBad: boolean): Html {
  return html`<head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="htmx-config" content="${htmxConfig}" />
    <meta name="color-scheme" content="light dark" />
    <title>${shown(title, 120)} · ${environment === '' ? 'jobs' : `${shown(environment, 40)} jobs`}</title>
    <link
      rel="icon"
      type="image/svg+xml"
      href="${assets[isBad ? 'alarm.svg' : 'quiet.svg']}"
      data-alarm="${assets['alarm.svg']}"
      data-quiet="${assets['quiet.svg']}"
    />
    <link rel="stylesheet" href="${assets['dashboard.css']}" />
    <script src="${assets['htmx.js']}" defer></script>
  </head>`
}

function sidebar(request: PageRequest): Html {
  const page = request.address.replace(/\?.*/, '')
  const here = page === 'bulk' ? (changed[request.query.text('of') ?? ''] ?? 'failed') : (under[page] ?? page)
  const isOpen = request.settings.access.kind === 'open'
  return html`<details class="side" open>
    <summary><span class="brand">resque-runtime</span><span class="menu-word">Menu</span></summary>
    <nav aria-label="Pages">
      ${menu.map(
        (group) =>
          html`<ul>
            ${group.map(([path, name]) => html`<li><a href="${path}" ${path === here ? html`aria-current="page"` : ''}>${name}</a></li>`)}
          </ul>`,
      )}
    </nav>
    <form method="get" action="find" class="find" role="search">
      <label
        ><span class="hidden">Find by ID, queue or class</span
        ><input
          name="id"
          placeholder="Find an ID, a queue, a class"
          maxlength="200"
          autocomplete="off"
          spellcheck="false"
      /></label>
    </form>
    <section class="person" aria-label="Theme and user">
      <form method="post" action="theme" class="inline">
        ${hidden(request)}<button
          name="to"
          value="${request.theme === 'dark' ? 'light' : request.theme === 'light' ? 'auto' : 'dark'}"
        >
          Theme: ${request.theme ?? 'auto'}
        </button>
      </form>
      <span>${shown(request.user.name, 60)} <small>${request.user.role}</small></span>
      ${request.settings.access.kind === 'login' ? html`<form method="post" action="logout" class="inline">${hidden(request)}<button>Sign out</button></form>` : ''}
      ${isOpen ? html`<small>No login: this machine only</small>` : ''}
    </section>
  </details>`
}

/** A page outside the frame: the login, and errors before anyone is known. */
export function bareDocument(title: string, body: Html, assets: Assets): Html {
  return html`<!doctype html>
    <html lang="en">
      ${head(title, '', assets, false)}
      <body class="bare">
        <main id="main">${body}</main>
      </body>
    </html>`
}
