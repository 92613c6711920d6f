import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { TestRedis } from './redis.ts'

/** Stands between clients and a test's Redis, and does to their connections what networks do. */
export interface RedisProxy {
  /** `unix://…`, for clients. */
  readonly url: string
  /** How many connections there were. */
  readonly connections: number
  /** The connections there are carry nothing any more, and are not closed: as when a firewall forgot them. New ones work. */
  silence(): void
  /** Closes all of it. */
  stop(): Promise<void>
}

/**
 * Starts a proxy in the folder of a test's server.
 * @param pass called for each piece of bytes from a client; false: it and all that follows on any connection is dropped;
 *   'close': it is dropped, and its connection closed
 * @param replyMs how long each reply is under way
 */
export async function startRedisProxy(
  server: TestRedis,
  pass: (bytes: Buffer) => boolean | 'close' = () => true,
  replyMs = 0,
): Promise<RedisProxy> {
  const path = join(server.dir, 'proxy.sock')
  const target = server.url.replace('unix://', '')
  const sockets = new Set<Socket>()
  let [silent, connections, closed] = [new Set<Socket>(), 0, false]
  const proxy = createServer((client) => {
    connections += 1
    const redis = connect(target)
    for (const [from, to] of [
      [client, redis],
      [redis, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy()).on('close', () => to.destroy())
      from.on('data', (bytes: Buffer) => {
        const passed = from !== client || pass(bytes)
        if (passed === 'close') return void from.destroy()
        closed ||= !passed
        if (closed || silent.has(from)) return
        if (from === redis && replyMs > 0) setTimeout(() => to.write(bytes), replyMs)
        else to.write(bytes)
      })
    }
  })
  await new Promise<void>((resolve) => proxy.listen(path, resolve))
  return {
    url: `unix://${path}`,
    get connections() {
      return connections
    },
    silence: () => (silent = new Set(sockets)),
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => proxy.close(resolve))
    },
  }
}
