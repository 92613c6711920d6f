// What every answer has, what bad requests get, and addresses under a path.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { newId } from '../../runtime/core/ids.ts'
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

  it('to a body of 100 MB is given before it has come, also where it does not say how long it is', async () => {
    const chunk = new TextEncoder().encode('x'.repeat(1_000_000))
    let sent = 0
    const body = new ReadableStream({
      pull: (to) => ((sent += 1) > 100 ? to.close() : to.enqueue(chunk)),
    })
    const type = { 'content-type': 'application/x-www-form-urlencoded', host: 'localhost', origin: 'http://localhost' }
    const request = new Request('http://localhost/queue-pause', {
      method: 'POST',
      headers: type,
      body,
      duplex: 'half',
    })
    const answer = await board.fetch(request)
    assert.equal(answer.status, 413)
    assert.ok(sent < 20, `${sent} MB were read`)
  })

  it('shows no text of a job as markup: a class named <img onerror>', async () => {
    const name = '<img src=x onerror=alert(1)>"\''
    await store.queues.push(
      'evil"><script>',
      [{ id: 'e1', className: name, item: JSON.stringify({ class: name, args: [name] }) }],
      Date.now(),
      60_000,
    )
    for (const path of [
      '/queues',
      '/queue?name=evil%22%3E%3Cscript%3E',
      '/job?id=e1',
      '/find?id=%3Cimg%20src%3Dx%3E',
      '/failed?class=%3Cimg%3E',
    ]) {
      const page = await (await ask(board, path)).text()
      assert.doesNotMatch(page, /<img src=x|<img>|"><script>/, path)
    }
  })

  it('holds where the clock of this machine is an hour ahead of or behind that of Redis', async (t) => {
    await store.supervisors.register('s', ['h:1:q'], { host: 'h', pid: '1', queues: 'q' }, 60_000)
    await store.queues.push('q', [{ id: newId(), className: 'A', item: '{"class":"A","args":[]}' }], Date.now(), 60_000)
    for (const byMs of [3_600_000, -3_600_000]) {
      t.mock.timers.enable({ apis: ['Date'], now: Date.now() + byMs })
      const overview = await (await ask(board, '/')).text()
      assert.match(overview, /<strong>1<\/strong><span>workers alive/, String(byMs))
      assert.match(await (await ask(board, '/workers')).text(), /alive/)
      for (const { path } of routes.filter((route) => 'page' in route))
        assert.ok((await ask(board, `/${path}`)).status < 500)
      t.mock.timers.reset()
    }
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

  it('leads to the last slash where Express has stripped the path', async () => {
    const mounted = testDashboard(store, { basePath: '/admin/jobs' })
    const express = createServer((request: IncomingMessage & { originalUrl?: string }, response) => {
      request.originalUrl = request.url ?? ''
      request.url = request.originalUrl.replace('/admin/jobs', '') || '/'
      void mounted.node(request, response)
    })
    await new Promise<void>((resolve) => express.listen(0, '127.0.0.1', resolve))
    const at = `http://127.0.0.1:${(express.address() as AddressInfo).port}/admin/jobs`
    try {
      const bare = await fetch(at, { redirect: 'manual' })
      assert.deepEqual([bare.status, bare.headers.get('location')], [303, '/admin/jobs/'])
      assert.equal((await fetch(`${at}/queues`)).status, 200)
    } finally {
      express.closeAllConnections()
      express.close()
    }
  })

  it('has relative addresses only', async () => {
    for (const { method, path } of routes.filter(({ method }) => method === 'GET')) {
      const text = await (await ask(board, `/${path}`)).text()
      assert.deepEqual(text.match(/(?:href|src|action)="(?:\/|https?:)[^"]*"/g), null, `${method} ${path}`)
    }
  })
})
