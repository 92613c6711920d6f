// Who may see and change what: login, sessions, roles, requests of other sites, and what hostile requests get.
import assert from 'node:assert/strict'
import { randomBytes, scryptSync } from 'node:crypto'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Store } from '../../runtime/store/store.ts'
import { hashPassword, type Dashboard } from '../../web/index.ts'
import { routes } from '../../web/routes.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { ask, change, csrfIn, testDashboard } from './world.ts'

const server = useRedis()
let store: Store
let open: Dashboard
let withLogin: Dashboard
/** A hash as `hashPassword` makes it, with less work in it. */
function quickHash(password: string): string {
  const salt = randomBytes(16)
  const key = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 })
  return `scrypt$1024$8$1$${salt.toString('base64url')}$${key.toString('base64url')}`
}
const users = [`ada:operator:${quickHash('correct horse')}`, `bob:viewer:${quickHash('battery staple')}`]

beforeEach(() => {
  store = testStore(server)
  open = testDashboard(store)
  withLogin = testDashboard(store, { users, secret: 'x'.repeat(40) })
})
afterEach(() => store.close())

const signIn = async (name: string, password: string, board = withLogin): Promise<Response> =>
  ask(board, '/login', { form: { name, password } })
const cookieOf = (response: Response): string => response.headers.get('set-cookie')?.split(';')[0] ?? ''

describe('the login', () => {
  it('lets a user in, and leads to the page that was asked for', async () => {
    const turned = await ask(withLogin, '/failed?class=A')
    assert.equal(turned.status, 303)
    const login = turned.headers.get('location') ?? ''
    assert.equal(login, `login?next=${encodeURIComponent('failed?class=A')}`)
    const done = await ask(withLogin, `/${login}`, { form: { name: 'ada', password: 'correct horse' } })
    assert.equal(done.headers.get('location'), 'failed?class=A')
    const page = await ask(withLogin, '/failed', { cookie: cookieOf(done) })
    assert.equal(page.status, 200)
    assert.match(done.headers.get('set-cookie') ?? '', /HttpOnly; SameSite=Lax$/)
  })

  it('marks its cookie as secure behind a proxy that ends TLS', async () => {
    const done = await ask(withLogin, '/login', {
      form: { name: 'ada', password: 'correct horse' },
      headers: { 'x-forwarded-proto': 'https' },
    })
    assert.match(done.headers.get('set-cookie') ?? '', /; Secure$/)
  })

  it('never leads to another site', async () => {
    for (const next of ['https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)']) {
      const done = await ask(withLogin, `/login?next=${encodeURIComponent(next)}`, {
        form: { name: 'ada', password: 'correct horse' },
      })
      assert.equal(done.headers.get('location'), './', next)
    }
  })

  it('refuses a wrong name or password with the same words, and after ten tries for a while', async () => {
    const board = testDashboard(store, { users })
    const texts = await Promise.all(['nobody', 'bob'].map(async (name) => (await signIn(name, 'wrong', board)).text()))
    assert.equal(texts[0], texts[1])
    for (let i = 0; i < 9; i += 1) await signIn('bob', 'wrong', board)
    const blocked = await signIn('bob', 'battery staple', board)
    assert.equal(blocked.status, 429)
    assert.ok(Number(blocked.headers.get('retry-after')) > 0)
    assert.equal((await signIn('ada', 'correct horse', board)).status, 303, 'another user is not blocked')
  })

  it('takes no session that is changed, over, of another browser, or of a user who is gone', async () => {
    const cookie = cookieOf(await signIn('ada', 'correct horse'))
    const [name = '', value = ''] = cookie.split('=')
    const forged = Buffer.from(JSON.stringify({ name: 'ada', expiresMs: 1e15 })).toString('base64url')
    for (const bad of [
      `${name}=${value}x`,
      `${name}=${forged}.${value.split('.')[1]}`,
      `${name}=`,
      `${name}=garbage`,
      `${name}=%00.%00`,
    ])
      assert.equal((await ask(withLogin, '/', { cookie: bad })).status, 303, bad)
    assert.equal((await ask(withLogin, '/', { cookie, headers: { 'user-agent': 'a thief' } })).status, 303)
    const without = testDashboard(store, { users: users.slice(1), secret: 'x'.repeat(40) })
    assert.equal((await ask(without, '/', { cookie })).status, 303)
    const expired = testDashboard(store, { users, secret: 'y'.repeat(40), sessionMs: 0 })
    const over = cookieOf(await signIn('ada', 'correct horse', expired))
    assert.equal((await ask(expired, '/', { cookie: over })).status, 303)
  })
})

describe('roles', () => {
  it('hold for every route of the table: nothing without a session, no change by a viewer', async () => {
    const cookie = cookieOf(await signIn('bob', 'battery staple'))
    const csrf = csrfIn(await (await ask(withLogin, '/', { cookie })).text())
    for (const { method, path, role } of routes) {
      const form = method === 'POST' ? { form: { csrf, name: 'q', id: 'x' } } : {}
      const nobody = await ask(withLogin, `/${path}`, form)
      assert.equal(nobody.status, method === 'POST' ? 401 : 303, `${path} without a session`)
      const viewer = await ask(withLogin, `/${path}`, { ...form, cookie })
      assert.equal(viewer.status === 403, role === 'operator', `${path} as a viewer: ${viewer.status}`)
    }
  })

  it('leave no button for a viewer', async () => {
    await store.queues.setPaused('low', true)
    const cookie = cookieOf(await signIn('bob', 'battery staple'))
    const page = await (await ask(withLogin, '/queues', { cookie })).text()
    assert.match(page, /low/)
    assert.doesNotMatch(page, /action="queue-/)
  })
})

describe('a change', () => {
  const pause = (more: Parameters<typeof change>[3]): Promise<Response> =>
    change(open, 'queue-pause', { name: 'mail' }, more)

  it('needs the token of the session and an address of this site', async () => {
    const token = csrfIn(await (await ask(open, '/')).text())
    const send = (form: Record<string, string>, more: object = {}): Promise<Response> =>
      ask(open, '/queue-pause', { form: { name: 'mail', ...form }, ...more })
    assert.equal((await send({})).status, 403)
    assert.equal((await send({ csrf: `${token}x` })).status, 403)
    assert.equal((await send({ csrf: token }, { sameSite: false })).status, 403)
    assert.equal((await send({ csrf: token }, { sameSite: false, headers: { origin: 'null' } })).status, 403)
    assert.equal(
      (await send({ csrf: token }, { sameSite: false, headers: { origin: 'https://evil.example' } })).status,
      403,
    )
    assert.equal((await send({ csrf: token }, { headers: { 'sec-fetch-site': 'cross-site' } })).status, 403)
    assert.equal((await send({ csrf: token }, { headers: { 'content-type': 'application/json' } })).status, 415)
    assert.deepEqual(await store.queues.paused(), [])
    assert.equal((await send({ csrf: token })).status, 303)
    assert.deepEqual(await store.queues.paused(), ['mail'])
  })

  it('works behind a proxy that ends TLS, one that changes the host, and on a plain address of a LAN', async () => {
    const board = testDashboard(store, { authorize: () => ({ name: 'ada', role: 'operator' }) })
    const behind: Record<string, string>[] = [
      { host: 'jobs.example', origin: 'https://jobs.example', 'x-forwarded-proto': 'https' },
      { host: '10.0.0.9:3000', 'x-forwarded-host': 'jobs.example', origin: 'https://jobs.example' },
      { host: 'upstream', origin: 'https://jobs.example', 'sec-fetch-site': 'same-origin' },
      { host: '192.168.1.20:5678', origin: 'http://192.168.1.20:5678' },
    ]
    for (const headers of behind)
      assert.equal(
        (await change(board, 'queue-pause', { name: 'mail' }, { headers, sameSite: false })).status,
        303,
        JSON.stringify(headers),
      )
  })

  it('leaves a line of who did what', async () => {
    await pause({})
    const [line] = await store.audit.list(0, 1)
    assert.deepEqual([line?.user, line?.action, line?.note], ['local', 'queue-pause', 'Paused queue mail.'])
    assert.match(await (await ask(open, '/audit')).text(), /Paused queue mail\./)
  })

  it('leads back only to a page of the dashboard', async () => {
    const [there, away] = [
      await change(open, 'queue-pause', { name: 'q', back: 'queue?name=q' }),
      await change(open, 'queue-pause', { name: 'q', back: '//evil.example' }),
    ]
    assert.deepEqual([there.headers.get('location'), away.headers.get('location')], ['queue?name=q', './'])
  })
})

it('a password is stored as scrypt has it, and only the right one fits', async () => {
  const hash = await hashPassword('correct horse')
  assert.match(hash, /^scrypt\$32768\$8\$3\$/)
  const board = testDashboard(store, { users: [`ada:operator:${hash}`] })
  assert.equal((await signIn('ada', 'correct horse', board)).status, 303)
  assert.equal((await signIn('ada', 'correct horsf', board)).status, 401)
})

describe('the other ways in', () => {
  it('an open dashboard answers this machine only, also where a name is pointed at it', async () => {
    assert.equal((await ask(open, '/', { headers: { host: '127.0.0.1:5678' } })).status, 200)
    for (const host of ['rebound.example', '192.168.1.20', 'localhost.evil.example'])
      assert.equal((await ask(open, '/', { headers: { host } })).status, 403, host)
  })

  it('a header counts only from a known proxy, and only operators may change', async () => {
    const { Server } = await import('../../web/server.ts')
    const { settingsOf } = await import('../../web/settings.ts')
    const { testConfig } = await import('./world.ts')
    const { silentLogger } = await import('../../runtime/core/logger.ts')
    const board = new Server(
      settingsOf(
        { userHeader: 'x-user', proxies: ['10.1.1.1'], operators: ['ada'] },
        store,
        testConfig(),
        silentLogger,
      ),
    )
    const get = async (peer: string, user: string): Promise<string> =>
      (await board.fetch(new Request('http://x/queues', { headers: { 'x-user': user } }), { peer })).text()
    assert.match(await get('10.1.1.1', 'ada'), /ada <small>operator/)
    assert.match(await get('10.1.1.1', 'eve'), /eve <small>viewer/)
    assert.match(await get('10.9.9.9', 'ada'), /Not signed in/)
  })

  it('exactly one is needed', () => {
    assert.throws(() => testDashboard(store, { open: false }), { code: 'ERR_CONFIG', message: /needs a login/ })
    assert.throws(() => testDashboard(store, { open: true, authorize: () => undefined }), { code: 'ERR_CONFIG' })
    assert.throws(() => testDashboard(store, { users: ['ada:admin:secret'] }), {
      code: 'ERR_CONFIG',
      message: /viewer or operator/,
    })
    assert.throws(() => testDashboard(store, { secret: 'short' }), { code: 'ERR_CONFIG', message: /32 characters/ })
  })
})
