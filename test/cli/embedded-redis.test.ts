import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { parseRedisUrl } from '../../config/redis-url.ts'
import { findEmbeddedRedis } from '../../config/embedded-redis.ts'
import { EmbeddedRedis } from '../../cli/embedded-redis.ts'
import { startRedisProcess } from '../../cli/redis-process.ts'
import { leavesNoProcess, startProgram } from '../support/process.ts'
import { isAlive, testSignal } from '../support/signal.ts'
import { eventually } from '../support/wait.ts'

leavesNoProcess()

let root: string
let services: EmbeddedRedis[]

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'embedded-')))
  services = []
})
afterEach(async () => {
  for (const service of services) await service.stop()
  await rm(root, { recursive: true, force: true })
})

function embedded(options: Partial<ConstructorParameters<typeof EmbeddedRedis>[0]> = {}): EmbeddedRedis {
  const service = new EmbeddedRedis({ root, ...options })
  services.push(service)
  return service
}

/** Runs one command on the server behind this URL. */
async function ask(url: string, command: string, ...args: string[]): Promise<unknown> {
  const client = new Redis({ path: parseRedisUrl(url)?.path ?? '' })
  client.on('error', () => undefined)
  try {
    return await client.call(command, ...args)
  } finally {
    client.disconnect()
  }
}

describe('the private Redis', () => {
  it('listens on a socket of the application alone, and keeps its data over a restart', async () => {
    const first = embedded()
    await first.start()
    await first.start()
    assert.equal(first.url, `unix://${root}/.runtime/redis/redis.sock`)
    assert.equal(findEmbeddedRedis(root), first.url)
    await ask(first.url, 'set', 'kept', 'yes')
    assert.deepEqual(await ask(first.url, 'config', 'get', 'port'), ['port', '0'])
    const { pid } = first
    await first.stop()
    await first.stop()
    assert.equal(isAlive(pid ?? 0), false)
    assert.equal(findEmbeddedRedis(root), undefined)

    const second = embedded()
    await second.start()
    assert.equal(await ask(second.url, 'get', 'kept'), 'yes')
    assert.equal(await readFile(join(root, '.runtime/redis/.gitignore'), 'utf8'), '*\n')
  })

  it('refuses a folder that another process uses, and says how to share', async () => {
    const owner = startProgram('owns-redis', [root])
    const [, url] = await owner.waitForLine(/^ready (.*)$/)
    await assert.rejects(embedded().start(), {
      code: 'ERR_STATE',
      message: new RegExp(`process ${owner.pid}; stop .*REDIS_URL=${url}`),
    })
    assert.equal(await ask(url ?? '', 'ping'), 'PONG')
    await owner.stop('SIGTERM')
  })

  it('ends with an owner that is killed, and the next one takes over with the data', async () => {
    const owner = startProgram('owns-redis', [root])
    await owner.waitForLine(/^ready /)
    const [, serverPid] = await owner.waitForLine(/^pid (\d+)$/)
    await ask(`unix://${root}/.runtime/redis/redis.sock`, 'set', 'kept', 'yes')
    await owner.stop('SIGKILL')
    const next = embedded()
    await next.start()
    assert.equal(await ask(next.url, 'get', 'kept'), 'yes')
    await eventually(() => !isAlive(Number(serverPid)), { what: 'the end of the old server' })
  })

  it('of two that start at once, one wins', async () => {
    const racers = [1, 2, 3].map(() => startProgram('owns-redis', [root]))
    const results = await Promise.all(racers.map((racer) => racer.waitForLine(/^(ready|refused) .*$/)))
    assert.deepEqual(results.map((match) => match[1]).sort(), ['ready', 'refused', 'refused'])
    await Promise.all(racers.map((racer) => racer.stop('SIGTERM')))
  })

  it('takes a folder whose owner is long gone, or was never a number', async () => {
    await mkdir(join(root, '.runtime/redis'), { recursive: true })
    await writeFile(join(root, '.runtime/redis/owner'), 'nonsense')
    await embedded().start()
  })

  it('finds a shorter place for its socket when the folder lies too deep', async () => {
    const deep = join(root, 'a'.repeat(60), 'b'.repeat(60))
    await mkdir(deep, { recursive: true })
    const service = embedded({ root: deep })
    await service.start()
    assert.ok(service.url.length < 110, service.url)
    assert.equal(await ask(service.url, 'ping'), 'PONG')
    await service.stop()
    const socketFolder = join(parseRedisUrl(service.url)?.path ?? '', '..')
    assert.equal(existsSync(join(socketFolder, 'redis.sock')), false)
    await rm(socketFolder, { recursive: true })
  })

  it('works in a folder whose name means something in a URL', async () => {
    const odd = join(root, 'a b?#%41')
    await mkdir(odd)
    const service = embedded({ root: odd })
    await service.start()
    assert.equal(await ask(service.url, 'ping'), 'PONG')
  })

  it('tells its owner when the server ends by itself', async () => {
    const lost = testSignal<string>()
    const service = embedded({ onLost: lost.fire })
    await service.start()
    process.kill(service.pid ?? 0, 'SIGKILL')
    assert.equal(await lost.fired, 'signal 9')
  })
})

describe('a server that cannot start', () => {
  it('says what Redis said', async () => {
    await assert.rejects(startRedisProcess(['--no-such-option', '1'], { path: join(root, 's') }), {
      code: 'ERR_REDIS',
      message: /expected it to start, got it ended: exit code 1; its output: .*no-such-option/s,
    })
  })

  it('says that the program is missing', async () => {
    await assert.rejects(startRedisProcess([], { path: join(root, 's') }, { binary: 'no-such-redis' }), {
      code: 'ERR_REDIS',
      message: /no-such-redis: .*the program was not found/,
    })
  })
})
