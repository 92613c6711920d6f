import { readFileSync } from 'node:fs'
import type { Config } from './schema.ts'

/** The address of Redis where no setting gives one. */
export const DEFAULT_REDIS_URL = 'redis://127.0.0.1:6379'

/** Where a Redis is, taken apart. `db`, `username` and `password` are absent when the URL has none. */
export interface RedisAddress {
  kind: 'tcp' | 'tls' | 'unix'
  host: string
  port: number
  /** Of the unix socket; empty for the other kinds. */
  path: string
  db?: number
  username?: string
  password?: string
}

/** What a message shows in place of a secret. */
export const MASK = '***'

export const REDIS_URL_FORMS =
  'redis://[user:password@]host[:port][/db], rediss://… or unix:///path/to/redis.sock[?db=1]'

/**
 * Takes apart `redis://`, `rediss://`, `unix://` or a bare path of a socket (database by `/n`, or `?db=n`).
 * Undefined when the text is none of these.
 */
export function parseRedisUrl(text: string): RedisAddress | undefined {
  const url = asUrl(text)
  if (url === undefined) return undefined
  const kind = KINDS[url.protocol]
  if (kind === undefined) return undefined
  const path = kind === 'unix' ? decodeURIComponent(url.pathname) : ''
  const dbText = url.searchParams.get('db') ?? (kind === 'unix' ? '' : url.pathname.slice(1))
  if (!/^\d*$/.test(dbText) || (kind === 'unix' ? path.length < 2 : url.hostname === '')) return undefined
  return {
    kind,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 6379 : Number(url.port),
    path,
    ...(dbText === '' ? {} : { db: Number(dbText) }),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
  }
}

const KINDS: Record<string, RedisAddress['kind']> = { 'redis:': 'tcp', 'rediss:': 'tls', 'unix:': 'unix' }

function asUrl(text: string): URL | undefined {
  try {
    // The URL standard reads no user and no host in a scheme it does not know unless `//` follows.
    const url = new URL(text.startsWith('/') ? `unix://${text}` : text)
    decodeURIComponent(url.pathname + url.username + url.password)
    return url
  } catch {
    return undefined
  }
}

/** A URL of Redis or PostgreSQL as it may be shown: `redis://user:***@host/0`. Works on any text that has URLs in it. */
export function maskUrl(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s/:@?#]*):[^\s]*@/gi, `$1:${MASK}@`)
    .replace(/([?&](?:password|pass|secret|token)=)[^&\s#]*/gi, `$1${MASK}`)
}

/** Where Redis is and how to speak to it, in plain data: the URL taken apart, PEM files read. */
export interface RedisSettings {
  address: RedisAddress
  username?: string
  password?: string
  db?: number
  /** PEM texts for Node's TLS. */
  tls?: { ca?: string; cert?: string; key?: string; servername?: string; rejectUnauthorized?: boolean }
  /** These know who the master called `name` is; `address` is then not used. */
  sentinel?: {
    name: string
    nodes: { host: string; port: number }[]
    username?: string
    password?: string
    tls?: boolean
  }
  /** Nodes of a cluster, in which the namespace is on one master; `address` is then not used. */
  cluster?: { nodes: { host: string; port: number }[] }
  /** What names this Redis, for messages: `REDIS_URL`, `config/runtime.yml:3`; undefined for the default address. */
  source?: string
  connectTimeoutMs: number
  /** No command waits longer: a producer gets a clear error in bounded time (promise 6). */
  commandTimeoutMs: number
}

/** The Redis of a configuration. Named settings win over what stands in the URL. @throws when a PEM file cannot be read */
export function redisSettings({ redis, redisSource }: Config): RedisSettings {
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
