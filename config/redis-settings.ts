import { readFileSync } from 'node:fs'
import { DEFAULT_REDIS_URL, type Config } from './schema.ts'
import { parseRedisUrl, type RedisAddress } from './redis-url.ts'

/** Everything a connection needs, in plain data: the URL taken apart, PEM files read. Same shape as the store's RedisSettings. */
export interface ResolvedRedis {
  address: RedisAddress
  username?: string
  password?: string
  db: number
  tls?: { ca?: string; cert?: string; key?: string; servername?: string; rejectUnauthorized: boolean }
  sentinel?: {
    name: string
    nodes: { host: string; port: number }[]
    username?: string
    password?: string
    tls: boolean
  }
  cluster?: { nodes: { host: string; port: number }[] }
  /** What names this Redis, for messages: `REDIS_URL`, `config/runtime.yml:3`; undefined for the default address. */
  source?: string
  connectTimeoutMs: number
  commandTimeoutMs: number
}

/** The Redis of a configuration. Named settings win over what stands in the URL. @throws when a PEM file cannot be read */
export function redisSettings({ redis, redisSource }: Config): ResolvedRedis {
  const address = parseRedisUrl(redis.url ?? DEFAULT_REDIS_URL)
  if (!address) throw new Error('redis.url was checked when the settings were read')
  const { tls, sentinel, cluster } = redis
  const pem = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : readFileSync(path, 'utf8')
  return {
    address,
    username: redis.username ?? address.username,
    password: redis.password ?? address.password,
    db: redis.db ?? address.db ?? 0,
    ...(tls ? { tls: { ...tls, ca: pem(tls.ca), cert: pem(tls.cert), key: pem(tls.key) } } : {}),
    ...(sentinel ? { sentinel: { ...sentinel, nodes: sentinel.nodes.map(hostAndPort) } } : {}),
    ...(cluster ? { cluster: { nodes: cluster.map(hostAndPort) } } : {}),
    ...(redisSource === undefined ? {} : { source: redisSource }),
    connectTimeoutMs: redis.connectTimeoutMs,
    commandTimeoutMs: redis.commandTimeoutMs,
  }
}

function hostAndPort(node: string): { host: string; port: number } {
  const at = node.lastIndexOf(':')
  return { host: node.slice(0, at), port: Number(node.slice(at + 1)) }
}
