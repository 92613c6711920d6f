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
