// What pages make of text that is hostile, secret, long, deep or no text at all.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { newId } from '../../runtime/core/ids.ts'
import type { Store } from '../../runtime/store/store.ts'
import type { Dashboard } from '../../web/index.ts'
import { cell } from '../../web/pages/archive.ts'
import { MaskedJson } from '../../web/view/masked-json.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { addFailures, ask, testDashboard } from './world.ts'

const server = useRedis()
const ttlMs = 86_400_000
let store: Store
let board: Dashboard

beforeEach(() => {
  store = testStore(server)
  board = testDashboard(store, { mask: ['ssn'] })
})
afterEach(() => store.close())

const text = async (path: string): Promise<string> => (await ask(board, path)).text()

describe('hostile text', () => {
  const hostile = `<img src=x onerror=alert(1)>"'&\u202egpj.exe\u0000\ud83d`

  it('is only text, in every place that shows it', async () => {
    const item = JSON.stringify({ class: hostile, args: [hostile, { [hostile]: hostile }] })
    await addFailures(store, 1, {
      item,
      queue: hostile,
      error: hostile,
      exception: hostile,
      worker: hostile,
      backtrace: [hostile],
      evidence: { output: [hostile], [hostile]: hostile },
    })
    await store.queues.push(hostile, [{ id: newId(), className: hostile, item }], Date.now(), ttlMs)
    await store.delayed.add(
      [{ id: newId(), className: hostile, item, queue: hostile, dueMs: Date.now() + 5000 }],
      Date.now(),
      ttlMs,
    )
    const about = {
      kind: hostile,
      target: hostile,
      reads: hostile,
      zone: hostile,
      description: hostile,
      enabled: true,
      next: 8.7e15,
    }
    await store.schedules.describe(new Map([[hostile, JSON.stringify(about)]]))
    await store.audit.add({ atMs: Date.now(), user: hostile, action: hostile, note: hostile })
    const [entry] = await store.failures.list()
    const query = encodeURIComponent(hostile.replace('\ud83d', ''))
    for (const path of [
      '/',
      '/failed',
      '/failed?by=group',
      `/failed?class=${query}`,
      `/failure?at=0&digest=${entry?.digest}`,
      '/queues',
      `/queue?name=${query}`,
      '/delayed',
      '/schedule',
      '/audit',
      `/find?id=${query}`,
      `/bulk?do=retry&class=${query}`,
    ]) {
      const page = await text(path)
      assert.doesNotMatch(page, /<img src=x/, path)
      assert.doesNotMatch(page.replace(/value="[^"]*"/g, ''), /\u202e|[^\P{Cc}\n]/u, path)
      assert.doesNotMatch(page, /<[^>]*"'&/, `${path}: an attribute that ends too early`)
    }
  })

  it('may be a megabyte long, ten thousand levels deep, or no UTF-8', async () => {
    const redis = server.client()
    const deep = `{"class":"Deep","args":${'['.repeat(10_000)}${']'.repeat(10_000)}}`
    await redis.rpush(
      'resque:queue:q',
      deep,
      `{"class":"Long","args":["${'x'.repeat(1_000_000)}"]}`,
      Buffer.from([0xff, 0xfe, 0x7b]),
      'not json {"password":"hunter2"}',
    )
    await redis.sadd('resque:queues', 'q')
    const page = await text('/queue?name=q')
    assert.match(page, /Deep/)
    assert.match(page, /unreadable/)
    assert.doesNotMatch(page, /hunter2/)
    assert.ok(page.length < 400_000, `${page.length} characters`)
  })
})

describe('arguments', () => {
  it('are masked by name at any depth and shown with their numbers as they stand', () => {
    const masked = new MaskedJson(['ssn'])
    const json =
      '[{"id":12345678901234567890,"f":1.50,"a":{"API_Key":["x"],"user":{"Password":{"p":1},"user_ssn":7}}},"token"]'
    assert.equal(
      masked.write(json),
      '[{"id":12345678901234567890,"f":1.50,"a":{"API_Key":"•••","user":{"Password":"•••","user_ssn":"•••"}}},"token"]',
    )
    assert.equal(masked.write('{"pass\\u0077ord":"x"}'), '{"pass\\u0077ord":"•••"}')
    assert.equal(masked.write('{"token":"unterminated'), '{"token":"•••"')
    assert.equal(masked.write('[1,[2]]', { pretty: true }), '[\n  1,\n  [\n    2\n  ]\n]')
  })

  it('are masked in lists, on pages, and in exports', async () => {
    await addFailures(store, 3)
    const [entry] = await store.failures.list()
    for (const path of ['/failed', `/failure?at=0&digest=${entry?.digest}`, '/archive-json', '/archive-csv']) {
      const page = await text(path)
      assert.doesNotMatch(page, /hunter2/, path)
    }
    assert.match(await text('/failed'), /12345678901234567000/)
  })

  it('are no formula of a spreadsheet', () => {
    assert.deepEqual(['=1+1', '-5', '@x', 'a,"b"', '+SUM(A1)'].map(cell), [
      "'=1+1",
      '-5',
      "'@x",
      '"a,""b"""',
      "'+SUM(A1)",
    ])
  })
})
