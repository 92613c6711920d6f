// Connections that were opened while the application was loaded: no child uses one, and no job's first request meets one.
import assert from 'node:assert/strict'
import { symlinkSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { createServer as createHttpServer } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { ForkLauncher } from '../../../runtime/worker/launchers/fork/fork.ts'
import { leavesNoProcess, ROOT } from '../../support/process.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { forkLauncher, noFallback, resultOf, writeApp } from './support.ts'

leavesNoProcess()

/** A `pg` client's view of a server: it logs in, and each query answers one row, `one = 1`. */
function postgresStub(): Server {
  const message = (type: string, ...parts: Buffer[]): Buffer => {
    const body = Buffer.concat(parts)
    return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
  }
  const int32 = (value: number): Buffer => Buffer.from(Int32Array.of(value).buffer).reverse()
  const ready = message('Z', Buffer.from('I'))
  const column = Buffer.concat([
    Buffer.from('\0\x01one\0'),
    int32(0),
    Buffer.alloc(2),
    int32(23),
    Buffer.alloc(2),
    int32(-1),
    Buffer.alloc(2),
  ])
  const row = [
    message('T', column),
    message('D', Buffer.from('\0\x01'), int32(1), Buffer.from('1')),
    message('C', Buffer.from('SELECT 1\0')),
  ]
  return createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write(Buffer.concat([message('R', int32(0)), ready]))
      socket.on('data', (data) => data[0] === 0x51 && socket.write(Buffer.concat([...row, ready])))
    })
  })
}

const preload = `
import { Agent, get } from 'node:http'
import net from 'node:net'
import { Redis } from 'ioredis'
import pg from 'pg'
const { http, postgres, redis } = JSON.parse(process.env.TEST_PORTS!)
const url = 'http://127.0.0.1:' + http
const agent = new Agent({ keepAlive: true })
const pool = new pg.Pool({ host: '127.0.0.1', port: postgres, user: 'u', password: 'p', database: 'd' })
const watched = new pg.Pool({ host: '127.0.0.1', port: postgres, user: 'u', password: 'p', database: 'd' })
// As the manual of pg has it.
watched.on('error', () => process.exit(9))
const client = new Redis(redis)
const silent = net.connect(http, '127.0.0.1')
silent.on('close', () => { throw new Error('what nothing catches') })
const uses: Record<string, () => Promise<unknown>> = {
  fetch: async () => (await fetch(url)).text(),
  agent: () => new Promise((resolve, reject) => get(url, { agent }, (answer) => answer.on('data', (data) => resolve(String(data)))).on('error', reject)),
  'pg without an error listener': async () => (await pool.query('select 1 as one')).rows[0].one,
  'pg with an error listener that exits': async () => (await watched.query('select 1 as one')).rows[0].one,
  ioredis: async () => (await client.set('key', 1)),
  'a plain socket': async () => silent.destroyed,
}
for (const use of Object.values(uses)) await use()
Object.assign(globalThis, { uses })
// Nobody waits for it, and nobody listens.
net.connect(http, '127.0.0.1')
net.createServer().listen(0)`

const job = `
import { Job } from 'resque-runtime'
export class Uses extends Job {
  async perform(what: string): Promise<unknown> { return (globalThis as any).uses[what]() }
}`

describe('fork: connections that were used while the application was loaded', () => {
  const http = createHttpServer((_, response) => response.end('hello'))
  http.keepAliveTimeout = 600_000
  const postgres = postgresStub()
  let redis: TestRedis
  let launcher: ForkLauncher
  before(async () => {
    redis = await startRedis()
    for (const server of [http, postgres]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const portOf = (server: { address: () => unknown }): number => (server.address() as AddressInfo).port
    process.env['TEST_PORTS'] = JSON.stringify({ http: portOf(http), postgres: portOf(postgres), redis: redis.url })
    const source = writeApp({ 'config/preload.ts': preload, 'src/jobs/uses.ts': job })
    for (const name of ['pg', 'ioredis'])
      symlinkSync(join(ROOT, 'node_modules', name), join(source.root, 'node_modules', name))
    launcher = forkLauncher(source, noFallback)
    await launcher.start()
  })
  after(async () => {
    await launcher.stop()
    delete process.env['TEST_PORTS']
    await redis.stop()
    http.closeAllConnections()
    http.close()
    postgres.close()
  })

  const expected: Record<string, unknown> = {
    fetch: 'hello',
    agent: 'hello',
    'pg without an error listener': 1,
    'pg with an error listener that exits': 1,
    ioredis: 'OK',
    'a plain socket': true,
  }
  for (const [what, value] of Object.entries(expected))
    it(`${what}: the first request of each job is answered`, async () => {
      const results = await Promise.all([1, 2, 3, 4].map(() => resultOf(launcher, 'Uses', what)))
      assert.deepEqual(results, [value, value, value, value])
    })
})
