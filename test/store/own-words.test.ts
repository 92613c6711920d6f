// What ioredis would say on standard error is said in our words, once, with the cure.
import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { it, type TestContext } from 'node:test'
import { openStore } from '../../runtime/store/store.ts'
import { freePort, useRedis } from '../support/redis.ts'
import { redisSettings } from '../support/store.ts'

const port = await freePort()
const server = useRedis({ port })

function listenToErrors(context: TestContext): string[] {
  const lines: string[] = []
  context.mock.method(process.stderr, 'write', (text: string) => lines.push(text) > 0)
  context.mock.method(console, 'warn', (text: string) => lines.push(`ioredis: ${text}`))
  return lines
}

it('a password that Redis does not ask for is ignored, and named', async (context) => {
  const lines = listenToErrors(context)
  const store = openStore({ ...redisSettings(server), password: 'secret', source: 'REDIS_URL' }, 'resque')
  const stop = await store.connection.listen('channel', () => undefined)
  assert.equal(await store.connection.redis.ping(), 'PONG')
  stop()
  store.close()
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /^resque-runtime: Redis at \/.*: expected no password, got one, .* REDIS_URL /)
  assert.doesNotMatch(lines[0] ?? '', /secret/)
})

it('behind Sentinel a user without INFO works, and is told what is missing', async (context) => {
  // Says who the master is, and nothing else.
  const sentinel = createServer((socket) => {
    socket.on('data', (data) => {
      for (const [, command] of String(data).matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
        const master = `*2\r\n$9\r\n127.0.0.1\r\n$${String(port).length}\r\n${port}\r\n`
        const asked = /get-master/i.test(String(data)) ? master : '*0\r\n'
        socket.write(command?.toLowerCase() === 'sentinel' ? asked : '+OK\r\n')
      }
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => sentinel.once('listening', resolve))
  await server.client().call('ACL', 'SETUSER', 'plain', 'on', '>pw', '~*', '&*', '+@all', '-info')
  const lines = listenToErrors(context)
  const nodes = [{ host: '127.0.0.1', port: (sentinel.address() as AddressInfo).port }]
  const user = { username: 'plain', password: 'pw' }
  const store = openStore({ ...redisSettings(server), ...user, sentinel: { name: 'mine', nodes } }, 'resque')
  assert.equal(await store.connection.redis.ping(), 'PONG')
  store.close()
  sentinel.close()
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /^resque-runtime: Redis at mine \(by its sentinels\): .* may not use INFO, .*\+info`\n$/)
})
