import { Redis, type RedisOptions } from 'ioredis'
import { RuntimeError } from '../core/errors.ts'

/** Where Redis is. `url` is `redis://`, `rediss://` or `unix:///path?db=1`; user and password may stand in it. */
export interface RedisSettings {
  url: string
  username?: string
  password?: string
  db?: number
  /** PEM text or paths are the caller's affair: these go to Node's TLS as they are. */
  tls?: { ca?: string; cert?: string; key?: string; rejectUnauthorized?: boolean }
  /** Sentinels ask for the master called `name`; `url` then gives only user, password and db. */
  sentinel?: { name: string; nodes: { host: string; port: number }[]; username?: string; password?: string }
}

/** No command waits longer: a producer gets a clear error in bounded time (promise 6). */
const commandTimeoutMs = 5000
const connectTimeoutMs = 3000

/**
 * A connection that heals itself. Commands that were under way when it broke are not sent again: only the caller knows
 * whether that would be harmless.
 * @param role `subscriber` connections carry no commands and so have no time limit
 */
export function connect(settings: RedisSettings, role: 'commands' | 'subscriber' = 'commands'): Redis {
  const redis = new Redis({
    ...address(settings),
    protocol: 2,
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    maxRetriesPerRequest: 2,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (times) => Math.min(100 * 2 ** Math.min(times, 5), 2000),
    // After a failover the old master answers READONLY: a new connection finds the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    ...(role === 'commands' ? { commandTimeout: commandTimeoutMs } : { maxRetriesPerRequest: null }),
  })
  // Every command reports its own failure; without a listener ioredis would print each lost connection.
  redis.on('error', () => undefined)
  return redis
}

function address(settings: RedisSettings): RedisOptions {
  const url = parse(settings.url)
  const shared: RedisOptions = {
    username: settings.username ?? url.username,
    password: settings.password ?? url.password,
    db: settings.db ?? url.db,
  }
  if (settings.sentinel) {
    const { name, nodes, username, password } = settings.sentinel
    return {
      ...shared,
      name,
      sentinels: nodes,
      sentinelUsername: username,
      sentinelPassword: password,
      tls: settings.tls,
    }
  }
  if (url.path !== undefined) return { ...shared, path: url.path }
  return { ...shared, host: url.host, port: url.port, tls: url.secure ? { ...settings.tls } : undefined }
}

interface Address {
  host?: string
  port?: number
  path?: string
  username?: string
  password?: string
  db?: number
  secure?: boolean
}

function parse(text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'unix:') {
    return {
      path: decodeURIComponent(url.pathname),
      username: decodeURIComponent(url.username) || undefined,
      password: decodeURIComponent(url.password) || undefined,
      db: Number(url.searchParams.get('db') ?? 0),
    }
  }
  if (url?.protocol === 'redis:' || url?.protocol === 'rediss:') {
    return {
      host: url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
      port: Number(url.port || 6379),
      username: decodeURIComponent(url.username) || undefined,
      password: decodeURIComponent(url.password) || undefined,
      db: Number(url.pathname.slice(1) || 0),
      secure: url.protocol === 'rediss:',
    }
  }
  throw new RuntimeError(
    'ERR_CONFIG',
    `redis.url: expected redis://, rediss:// or unix:///path, got ${JSON.stringify(text.replace(/:[^:@/]*@/, ':***@'))}`,
  )
}

const causes: [RegExp, string][] = [
  [/^NOAUTH|^WRONGPASS|^ERR AUTH|^NOPERM/, 'check the user and password in REDIS_URL, and its permissions'],
  [
    /^OOM/,
    'Redis is out of memory: raise maxmemory or remove data (`runtime doctor` prints the largest keys); nothing was written',
  ],
  [/^READONLY/, 'this Redis is a read-only replica: point REDIS_URL at the master, or use redis.sentinel'],
  [/^MISCONF/, 'Redis cannot write to its disk and refuses writes: see its log'],
  [/^LOADING/, 'Redis is still loading its data: try again soon'],
  [
    /ECONNREFUSED|ENOENT|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|Connection is closed|max retries per request|Command timed out|sentinels are unreachable/,
    'is Redis running, and is REDIS_URL right?',
  ],
]

/** A Redis error in plain words, with what to do. Errors of our own pass through. */
export function explain(error: unknown): RuntimeError {
  if (error instanceof RuntimeError) return error
  const text = error instanceof Error ? error.message : String(error)
  const inner = (error as { cause?: { message?: string }; lastNodeError?: Error }).lastNodeError?.message
  const advice = causes.find(([pattern]) => pattern.test(text))?.[1]
  const said = text.includes('max retries per request') ? 'cannot be reached' : text
  return new RuntimeError('ERR_REDIS', `Redis: ${said}${inner ? ` (${inner})` : ''}${advice ? `; ${advice}` : ''}`, {
    cause: error,
  })
}
