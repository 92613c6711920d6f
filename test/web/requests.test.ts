// What every answer has, what bad requests get, and addresses under a path.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Store } from '../../runtime/store/store.ts'
import type { Dashboard } from '../../web/index.ts'
import { routes } from '../../web/routes.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { ask, testDashboard } from './world.ts'

const server = useRedis()
let store: Store
let board: Dashboard

beforeEach(() => {
  store = testStore(server)
  board = testDashboard(store)
})
afterEach(() => store.close())

describe('every answer', () => {
  it('has the policy that allows this site only, without exceptions', async () => {
    for (const path of ['/', '/login', '/nowhere', '/assets/nothing.js', '/queues?from=x']) {
      const { headers } = await ask(board, path)
      const policy = headers.get('content-security-policy') ?? ''
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'/, path)
      assert.doesNotMatch(policy, /unsafe|nonce|\*/)
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
    }
  })

  it('is short for what is no page, no filter, too long or too large', async () => {
    const status = async (path: string): Promise<number> => (await ask(board, path)).status
    assert.equal(await status('/nowhere'), 404)
    assert.equal(await status('/assets/..%2f..%2fpackage.json'), 404)
    assert.equal(await status('/assets/%2e%2e/%2e%2e/package.json'), 404)
    assert.equal(await status('/workflows?status=no-status'), 400)
    assert.equal(await status('/failed?since=when'), 400)
    assert.equal(await status(`/failed?text=${'x'.repeat(1000)}`), 400)
    assert.equal(await status('/audit?from=-1'), 400)
    assert.equal(await status('/job?id=gone'), 404)
    assert.equal(await status('/failure?at=7&digest=0'), 404)
    assert.equal(await status('/job'), 400)
    const large = await ask(board, '/queue-pause', { form: { name: 'x'.repeat(5_000_000) } })
    assert.equal(large.status, 413)
  })

  it('comes to each of a thousand requests at once', async () => {
    const statuses = await Promise.all(Array.from({ length: 1000 }, async () => (await ask(board, '/audit')).status))
    assert.deepEqual(
      [...new Set(statuses)].filter((status) => status !== 200 && status !== 503),
      [],
    )
    assert.ok(statuses.filter((status) => status === 200).length > 24)
    assert.equal((await ask(board, '/audit')).status, 200)
  })
})

describe('under a path', () => {
  it('works where the application names it, and where a proxy strips it', async () => {
    const mounted = testDashboard(store, { basePath: '/admin/jobs/' })
    assert.equal((await ask(mounted, '/admin/jobs')).headers.get('location'), '/admin/jobs/')
    for (const path of ['/admin/jobs/queues', '/queues']) assert.equal((await ask(mounted, path)).status, 200, path)
    assert.equal((await ask(mounted, '/admin/jobsqueues')).status, 404)
  })

  it('has relative addresses only', async () => {
    for (const { method, path } of routes.filter(({ method }) => method === 'GET')) {
      const text = await (await ask(board, `/${path}`)).text()
      assert.deepEqual(text.match(/(?:href|src|action)="(?:\/|https?:)[^"]*"/g), null, `${method} ${path}`)
    }
  })
})
