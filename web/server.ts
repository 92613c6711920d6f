import { Hono, type Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { getCookie } from 'hono/cookie'
import { clip } from '../config/clip.ts'
import { withCode } from '../runtime/core/errors.ts'
import { shownStore } from '../runtime/store/store.ts'
import { readAssets } from './assets.ts'
import { withDeadline } from './deadline.ts'
import { errorPage, pageOfError } from './pages/error.ts'
import { Login } from './login.ts'
import { routes } from './routes.ts'
import { crossSite } from './security/origin.ts'
import { identify, sessionCookie } from './security/gate.ts'
import { allows, Tokens, type User } from './security/tokens.ts'
import type { Settings } from './settings.ts'
import { RequestQueue } from './request-queue.ts'
import { document } from './view/layout.ts'
import { localAddress, NotFound, Query, type Done, type Page, type PageRequest, type Route } from './request.ts'

/** A form may hold the arguments of one job, a megabyte of JSON, each character as three. */
const largestBodyBytes = 4 * 1024 ** 2
const yearSeconds = 31_536_000

const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // With `no-referrer` browsers send `Origin: null` with forms, and no change would get through.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** What the server that listens says of a connection. */
export interface Peer {
  /** The address of its other side. */
  peer?: string
}
type Request_ = Context<{ Bindings: Peer }>

/** The dashboard as one function from requests to answers. Every page and change goes through {@link Server.answer}. */
export class Server {
  readonly #settings: Settings
  readonly #tokens: Tokens
  readonly #login: Login
  readonly #assets = readAssets()
  readonly #queue = new RequestQueue()
  readonly #app = new Hono<{ Bindings: Peer }>({ strict: true })

  constructor(settings: Settings) {
    this.#settings = settings
    this.#tokens = new Tokens(settings.secret)
    this.#login = new Login(settings, this.#tokens, this.#assets.addressOf)
    this.#wire()
  }

  /** Answers a request; under `basePath` or, where a proxy has stripped it, under `/`. */
  async fetch(request: Request, peer: Peer = {}): Promise<Response> {
    const url = new URL(request.url)
    const { basePath } = this.#settings
    if (basePath !== '' && url.pathname === basePath) return redirect(`${basePath}/`)
    const isUnder = basePath !== '' && url.pathname.startsWith(`${basePath}/`)
    if (isUnder) url.pathname = url.pathname.slice(basePath.length)
    const answer = await this.#queue.take(async () =>
      this.#app.fetch(isUnder ? new Request(url, request) : request, peer),
    )
    return (
      answer ??
      new Response('too many requests at once; try again', { status: 503, headers: { ...headers, 'retry-after': '2' } })
    )
  }

  #wire(): void {
    const app = this.#app
    app.use(async (c, next) => {
      await next()
      for (const [name, value] of Object.entries(headers)) if (!c.res.headers.has(name)) c.res.headers.set(name, value)
    })
    app.use(
      bodyLimit({
        maxSize: largestBodyBytes,
        onError: (c) => c.text(`expected at most ${largestBodyBytes} bytes`, 413),
      }),
    )
    app.get('/assets/:name', (c) => this.#asset(c))
    app.get('/login', (c) => this.#login.page(c))
    app.post('/login', async (c) => this.#refusal(c) ?? this.#login.submit(c))
    app.post('/logout', async (c) => this.#refusal(c) ?? this.#login.leave())
    for (const route of routes)
      app.on(route.method, `/${route.path === './' ? '' : route.path}`, (c) =>
        withDeadline(() => this.answer(c, route)),
      )
    app.notFound((c) =>
      this.answer(c, {
        method: 'GET',
        path: 'none',
        role: 'viewer',
        page: async () => {
          throw new NotFound('There is no such page.')
        },
      }),
    )
    app.onError((error, c) => {
      this.#settings.log.error(`dashboard: ${withCode(error)}`, { path: c.req.path, stack: error.stack })
      return c.text('internal error of the dashboard; see its log', 500)
    })
  }

  #asset(c: Request_): Response {
    const asset = this.#assets.byAddress.get(`assets/${c.req.param('name')}`)
    if (!asset) return c.text('no such file', 404)
    return c.body(new Uint8Array(asset.body), 200, {
      'content-type': asset.type,
      'cache-control': `public, max-age=${yearSeconds}, immutable`,
    })
  }

  /** Why a change is refused before anything of it is read. */
  #refusal(c: Request_): Response | undefined {
    if (!(c.req.header('content-type') ?? '').startsWith('application/x-www-form-urlencoded'))
      return c.text('expected a form: content-type application/x-www-form-urlencoded', 415)
    const reason = crossSite(c.req.raw.headers)
    return reason === undefined ? undefined : c.text(`refused: ${reason}`, 403)
  }

  /** Checks who asks and whether the role allows it, then shows the page or makes the change. */
  async answer(c: Request_, route: Route): Promise<Response> {
    const cookie = getCookie(c, sessionCookie)
    const nowMs = Date.now()
    const user = await identify(
      this.#settings.access,
      this.#tokens,
      { request: c.req.raw, cookie, peer: c.env?.peer },
      nowMs,
    )
    if (!user) return this.#login.refuse(c, route.method)
    const holder = this.#settings.access.kind === 'login' ? (cookie ?? '') : user.name
    const request = this.#pageRequest(c, user, holder, nowMs)
    if (!allows(user.role, route.role))
      return this.#page(
        c,
        request,
        errorPage('Not allowed', `This needs the role ${route.role}; ${user.name} is a ${user.role}.`),
        403,
      )
    if (route.method === 'GET') return this.#show(c, request, route)
    const refusal = this.#refusal(c)
    if (refusal) return refusal
    const form = new URLSearchParams(await c.req.text())
    if (!this.#tokens.isCsrf(form.get('csrf') ?? '', holder))
      return this.#page(
        c,
        request,
        errorPage('Not done', 'The form was made in another session. Go back, reload the page and try again.'),
        403,
      )
    return this.#change(c, { ...request, address: localAddress(form.get('back')) ?? './' }, route, new Query(form))
  }

  #pageRequest(c: Request_, user: User, holder: string, nowMs: number): PageRequest {
    const url = new URL(c.req.url)
    const theme = getCookie(c, 'rt-theme')
    return {
      store: this.#settings.store,
      settings: this.#settings,
      user,
      nowMs,
      query: new Query(url.searchParams),
      address: `${url.pathname === '/' ? './' : url.pathname.slice(1)}${url.search}`,
      theme: theme === 'light' || theme === 'dark' ? theme : undefined,
      csrf: this.#tokens.csrf(holder),
      notice: getCookie(c, 'rt-notice'),
    }
  }

  async #show(c: Request_, request: PageRequest, route: Exclude<Route, { method: 'POST' }>): Promise<Response> {
    try {
      if ('page' in route) {
        const unread = new Set<string>()
        const page = await route.page({ ...request, store: shownStore(request.store, unread) })
        return await this.#page(c, request, { ...page, missing: [...unread, ...(page.missing ?? [])] })
      }
      const { type, body, fileName } = await route.download(request)
      const name: Record<string, string> =
        fileName === undefined ? {} : { 'content-disposition': `attachment; filename="${fileName}"` }
      const text = typeof body === 'string' ? body : ReadableStream.from(bytesOf(body))
      return c.body(text as string, 200, { 'content-type': `${type}; charset=utf-8`, ...name })
    } catch (error) {
      return this.#failed(c, request, error)
    }
  }

  async #change(
    c: Request_,
    request: PageRequest,
    route: Extract<Route, { method: 'POST' }>,
    form: Query,
  ): Promise<Response> {
    try {
      const done = await route.act(request, form)
      if (route.path !== 'theme') await this.#audit(request, route.path, done)
      return redirect(done.to ?? request.address, route.path === 'theme' ? done.note : noticeCookie(done.note))
    } catch (error) {
      return this.#failed(c, request, error)
    }
  }

  /** Who has changed what: in the log, and in Redis for the page. */
  async #audit({ user, store, nowMs, settings }: PageRequest, action: string, { note }: Done): Promise<void> {
    settings.log.info(`dashboard: ${user.name}: ${note}`, { user: user.name, action })
    await store.audit.add({ atMs: nowMs, user: user.name, action, note }).catch((error: unknown) => {
      settings.log.warn(`dashboard: the audit line of a change was not written to Redis: ${withCode(error)}`)
    })
  }

  #failed(c: Request_, request: PageRequest, error: unknown): Response | Promise<Response> {
    const { page, status } = pageOfError(error)
    return this.#page(c, request, page, status)
  }

  async #page(c: Request_, request: PageRequest, page: Page, status: number = page.status ?? 200): Promise<Response> {
    const answer = await c.html(document(request, page, this.#assets.addressOf, page.isBad ?? false), status as 200)
    if (request.notice !== undefined)
      answer.headers.append('set-cookie', 'rt-notice=; Max-Age=0; HttpOnly; SameSite=Lax')
    return answer
  }
}

const noticeCookie = (note: string): string =>
  `rt-notice=${encodeURIComponent(clip(note, 600))}; Max-Age=30; HttpOnly; SameSite=Lax`

function redirect(to: string, ...cookies: string[]): Response {
  const answer = new Response(null, { status: 303, headers: { ...headers, location: to } })
  for (const cookie of cookies) answer.headers.append('set-cookie', cookie)
  return answer
}

async function* bytesOf(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  for await (const text of texts) yield encoder.encode(text)
}
