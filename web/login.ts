import type { Context } from 'hono'
import { html } from 'hono/html'
import type { AssetName } from './assets.ts'
import { boundTo, sessionCookie } from './security/gate.ts'
import { isLoopback } from './security/origin.ts'
import { LoginLimit } from './security/login-limit.ts'
import { checkPassword } from './security/password.ts'
import type { Tokens } from './security/tokens.ts'
import type { Settings } from './settings.ts'
import { bareDocument } from './view/layout.ts'
import { address } from './request.ts'

const longestField = 500

/** The login page, and what happens to those who are not signed in. */
export class Login {
  readonly #settings: Settings
  readonly #tokens: Tokens
  readonly #assets: Record<AssetName, string>
  readonly #limit = new LoginLimit()

  constructor(settings: Settings, tokens: Tokens, assets: Record<AssetName, string>) {
    this.#settings = settings
    this.#tokens = tokens
    this.#assets = assets
  }

  /** Leads to the login, and back to the page afterwards; a change is refused. */
  refuse(c: Context, method: 'GET' | 'POST'): Response | Promise<Response> {
    const { kind } = this.#settings.access
    if (kind === 'login' && method === 'GET') {
      const url = new URL(c.req.url)
      return c.redirect(address('login', { next: `${url.pathname.slice(1)}${url.search}` || undefined }), 303)
    }
    const why = {
      login: 'Your session has expired. Sign in again.',
      header: 'The proxy in front of the dashboard did not send your user name.',
      callback: 'The application denied access.',
      open: 'Without a login, the dashboard answers only requests from this machine, to localhost or 127.0.0.1.',
    }[kind]
    return c.html(
      bareDocument(
        'Not signed in',
        html`<h1>Not signed in</h1>
          <p>${why}</p>`,
        this.#assets,
      ),
      kind === 'login' ? 401 : 403,
    )
  }

  page(c: Context, problem = '', status: 200 | 401 | 429 = 200): Response | Promise<Response> {
    if (this.#settings.access.kind !== 'login') return c.redirect('./', 303)
    const next = c.req.query('next') ?? ''
    const body = html`<form method="post" action="${address('login', { next })}" class="login card">
      <h1>Sign in</h1>
      ${problem === '' ? '' : html`<p class="problem" role="alert">${problem}</p>`}
      <label>Name<input name="name" autocomplete="username" required maxlength="${longestField}" autofocus /></label>
      <label
        >Password<input
          name="password"
          type="password"
          autocomplete="current-password"
          required
          maxlength="${longestField}"
      /></label>
      <button class="main">Sign in</button>
    </form>`
    return c.html(bareDocument('Sign in', body, this.#assets), status)
  }

  /** Checks name and password, and starts a session. */
  async submit(c: Context): Promise<Response> {
    const { access, log, sessionMs } = this.#settings
    if (access.kind !== 'login') return c.redirect('./', 303)
    const form = new URLSearchParams(await c.req.text())
    const [name, password] = ['name', 'password'].map((field) => (form.get(field) ?? '').slice(0, longestField)) as [
      string,
      string,
    ]
    const nowMs = Date.now()
    const peer = (c.env as { peer?: string } | undefined)?.peer ?? ''
    // A proxy's address is everyone's, and so is none.
    const keys = [`name ${name}`, ...(peer === '' || isLoopback(peer) ? [] : [`address ${peer}`])]
    const blockedUntil = this.#limit.blockedUntilMs(keys, nowMs)
    if (blockedUntil > 0) {
      c.header('retry-after', String(Math.ceil((blockedUntil - nowMs) / 1000)))
      return this.page(
        c,
        `Too many wrong passwords. Try again in ${Math.ceil((blockedUntil - nowMs) / 60_000)} min.`,
        429,
      )
    }
    // Counted before the check, which takes time: a thousand guesses sent at once are not a thousand checks.
    this.#limit.failed(keys, nowMs)
    if (!(await checkPassword(password, access.users.get(name)?.hash))) {
      log.warn('dashboard: wrong name or password', { user: name, address: peer })
      return this.page(c, 'Wrong name or password.', 401)
    }
    this.#limit.succeeded(keys)
    const session = this.#tokens.session(name, nowMs + sessionMs, boundTo(access, name, c.req.raw))
    const isSecure = c.req.header('x-forwarded-proto')?.startsWith('https') ?? c.req.url.startsWith('https:')
    c.header(
      'set-cookie',
      `${sessionCookie}=${session}; Max-Age=${Math.floor(sessionMs / 1000)}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`,
    )
    return c.redirect(nextOf(c.req.query('next')), 303)
  }

  /** Ends the session in this browser. */
  leave(): Response {
    return new Response(null, {
      status: 303,
      headers: { location: 'login', 'set-cookie': `${sessionCookie}=; Max-Age=0; HttpOnly; SameSite=Lax` },
    })
  }
}

/** The page to go to after the login: one of ours, never another site's. */
function nextOf(next: string | undefined): string {
  return next !== undefined && next.length <= 2000 && /^[a-z][a-z-]*(\?[^\s\\]*)?$/.test(next) ? next : './'
}
