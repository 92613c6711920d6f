import { openStore, type Store } from '../../runtime/store/store.ts'
import type { RedisSettings } from '../../config/redis-url.ts'
import type { TestRedis } from './redis.ts'

/** Settings that reach a test's server by its unix socket. */
export function redisSettings(server: Pick<TestRedis, 'url'>): RedisSettings {
  return {
    address: { kind: 'unix', host: '', port: 0, path: server.url.replace('unix://', '') },
    connectTimeoutMs: 3000,
    commandTimeoutMs: 5000,
  }
}

/** A store on a test's server; the test closes it. */
export const testStore = (server: TestRedis, namespace = 'resque'): Store => openStore(redisSettings(server), namespace)
