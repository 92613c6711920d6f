import type { Redis, RedisOptions } from 'ioredis'
import { library } from '../../../config/library.ts'
import type { RedisSettings } from '../../../config/redis-url.ts'
import { RuntimeError, toError } from '../../core/errors.ts'
import { backoffMs, longestTimerMs } from '../../core/clock.ts'
import { clusterConnector } from './cluster.ts'
import { rewordWarnings } from './warnings.ts'

/** How long a connection is idle before the kernel asks whether the other side is still there. */
const keepAliveMs = 30_000

/**
 * A connection that heals itself. Commands that were under way when it broke are not sent again: only the caller knows
 * whether that would be harmless; it is for a subscriber's, which would otherwise miss its channels for good. One that leaves a command without any byte for `commandTimeoutMs` is closed and opened
 * again: a firewall may have forgotten it, or Sentinel may know another master by now.
 * @param prefix of all keys, for a cluster
 * @param role `subscriber` connections carry no commands but pings, and so have no time limit
 */
export function connect(settings: RedisSettings, prefix: string, role: 'commands' | 'subscriber' = 'commands'): Redis {
  const { username, password, db, connectTimeoutMs, commandTimeoutMs } = settings
  const timeoutMs = Math.min(commandTimeoutMs, longestTimerMs)
  const redis = new (library('ioredis').Redis)({
    ...place(settings, prefix),
    username,
    password,
    db,
    protocol: 2,
    lazyConnect: true,
    connectTimeout: Math.min(connectTimeoutMs, longestTimerMs),
    autoResendUnfulfilledCommands: role === 'subscriber',
    keepAlive: keepAliveMs,
    socketTimeout: timeoutMs,
    // Without Sentinel nothing needs INFO, which a user may not have: a Redis that loads its data says so itself.
    enableReadyCheck: settings.sentinel !== undefined,
    retryStrategy: (times) => backoffMs({ firstMs: 200, mostMs: 2000 }, times),
    // After a failover the old master answers READONLY, or that the slot has moved: a new connection finds the new one. What
    // was refused because the data is still being loaded is sent again, until its time is up.
    reconnectOnError: ({ message }) =>
      message.startsWith('LOADING') ? 2 : /^(?:READONLY|MOVED|CLUSTERDOWN)\b/.test(message),
    ...(role === 'commands' ? { commandTimeout: timeoutMs, maxRetriesPerRequest: 2 } : { maxRetriesPerRequest: null }),
  })
  rewordWarnings(redis, placeName(settings), settings.source)
  // Every command reports its own failure; without a listener ioredis would print each lost connection.
  redis.on('error', (error: Error & { command?: { name?: string } }) => {
    if (error.command?.name !== 'select') return
    // ioredis would go on in database 0. The copy names no command, so that this does not come here again.
    const refused = new Error(error.message, { cause: error })
    redis.recoverFromFatalError(refused, refused, {})
  })
  return redis
}

function place(settings: RedisSettings, prefix: string): RedisOptions {
  const { address, tls, sentinel, cluster, connectTimeoutMs, commandTimeoutMs, username, password } = settings
  if (cluster) {
    const options = { ...cluster, prefix, connectTimeoutMs, username, password, ...(tls ? { tls: { ...tls } } : {}) }
    return { Connector: clusterConnector(options) }
  }
  if (sentinel) {
    return {
      name: sentinel.name,
      sentinels: sentinel.nodes,
      sentinelUsername: sentinel.username,
      sentinelPassword: sentinel.password,
      sentinelCommandTimeout: Math.min(commandTimeoutMs, longestTimerMs),
      ...(tls ? { tls: { ...tls } } : {}),
      ...(sentinel.tls ? { enableTLSForSentinelMode: true, sentinelTLS: { ...tls } } : {}),
    }
  }
  if (address.kind === 'unix') return { path: address.path }
  return { host: address.host, port: address.port, ...(address.kind === 'tls' ? { tls: { ...tls } } : {}) }
}

/** What to do about an error, by what it says; `source` names the address. */
const causes: [RegExp, string | ((source: string | undefined) => string)][] = [
  [
    /^NOPERM.*'select'/i,
    'a database other than 0 needs the command SELECT: `ACL SETUSER <name> +select`, or leave redis.db out',
  ],
  [
    /DB index is out of range|invalid DB index/,
    'redis.db, or the number in the address, names a database that this server does not have (`databases` in redis.conf)',
  ],
  [/^ERR EXEC without MULTI/, 'the user may not use transactions: `ACL SETUSER <name> +@transaction`'],
  [/^NOPERM.* channel/, 'let the user have the channels of the namespace: `ACL SETUSER <name> &resque:*`'],
  [
    /^NOAUTH|^WRONGPASS|^ERR AUTH|^NOPERM/,
    (source = 'redis.url') => `check the user and password (${source}, redis.password), and what the user may do`,
  ],
  [
    /^ASK\b|^TRYAGAIN\b/,
    'the slot of the namespace is being moved to another master: what was asked is done as soon as it is there; try again',
  ],
  [
    /^MOVED\b|^CROSSSLOT\b/,
    'this Redis is a node of a cluster, or the slot of the namespace has just moved: name the nodes in redis.cluster, not one of them in redis.url, and put the namespace in braces, such as {resque}; docs/scale.md',
  ],
  [
    /^CLUSTERDOWN\b/,
    'the cluster has no master for the slot of the namespace: a replica takes over, or see CLUSTER INFO',
  ],
  [/cluster support disabled/, 'this Redis is no node of a cluster: write its address in redis.url'],
  [/max number of clients/, 'all connections that it allows are in use: close some, or raise maxclients'],
  [
    /^OOM/,
    'Redis is out of memory: raise maxmemory or remove data (`runtime doctor` prints the largest keys); nothing was written',
  ],
  [
    /^READONLY/,
    (source = 'redis.url') => `this Redis is a read-only replica: name the master in ${source}, or use redis.sentinel`,
  ],
  [/^MISCONF/, 'Redis cannot write to its disk and refuses writes: see its log'],
  [
    /^(?:ERR )?WRONGTYPE/,
    'something of another type lies under a key of the runtime: docs/redis-keys.md lists them; remove or rename what is not its own',
  ],
  [/^LOADING/, 'Redis is still loading its data: try again soon'],
  [
    /^gave no answer/,
    'a write may have been made: check before you repeat it; an enqueue with an id can be repeated safely (`enqueue.with({ id })`)',
  ],
  [/self-signed certificate|unable to (?:get|verify)/, 'name the certificate of its authority in redis.tls.ca'],
  [
    /TLS handshake|wrong version number/,
    (source = 'redis.url') => `where this Redis speaks no TLS, write redis:// in place of rediss:// in ${source}`,
  ],
  [
    /ECONNREFUSED|ENOENT|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|Connection is closed|cannot be reached|sentinels are unreachable/,
    (source) =>
      source === undefined
        ? 'is Redis running? This is the default address: set REDIS_URL to another, or start `runtime dev`'
        : source === 'runtime dev'
          ? 'is `runtime dev` still running?'
          : `is Redis running, and is ${source} right?`,
  ],
]

/** Replies that go away with time or an operator's help, whatever was asked; Redis 6 puts a script's own text before them. */
const passing =
  /(?:^|-)(?:OOM|READONLY|MISCONF|LOADING|BUSY|MOVED|ASK|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|NOREPLICAS|NOAUTH|WRONGPASS|NOPERM)\b|Script killed|non local key/
/** Replies that stay the same, however often it is asked. */
const lasting =
  /user_script|(?:running|compiling) script|^(?:WRONGTYPE|CROSSSLOT)\b|^ERR (?:wrong number|unknown|syntax|value|hash value|index|string exceeds)/

const isLasting = (reply: string): boolean => lasting.test(reply) && !passing.test(reply)

/** True where Redis is there and refuses us: a long-lived process ends, since waiting would not help. */
export function isRefusal(error: unknown): boolean {
  return /NOAUTH|WRONGPASS|ERR AUTH|NOPERM|DB index|EXEC without MULTI/.test(toError(error).message)
}

/** Errors of a program, thrown between its commands: they say nothing of Redis. */
function isOfProgram(error: unknown): error is Error {
  return [TypeError, RangeError, SyntaxError, ReferenceError].some((kind) => error instanceof kind)
}

/** Where these settings lead, for messages: no user, no password. */
export function placeName({ address, sentinel, cluster }: RedisSettings): string {
  if (cluster) return `${cluster.nodes.map(({ host, port }) => `${host}:${port}`).join(', ')} (cluster)`
  if (sentinel) return `${sentinel.name} (by its sentinels)`
  return address.kind === 'unix' ? address.path : `${address.host}:${address.port}`
}

/** The error's own words, or better ones where they say little. */
function wordsOf(message: string, trouble: string | undefined, wasReady: boolean): string {
  const text = message.replace(/^EXECABORT Transaction discarded because of: /, '')
  // What Redis makes of a long command that comes before the password.
  if (text.includes('unauthenticated')) return 'NOAUTH Authentication required'
  const timedOut = text === 'Command timed out'
  if (timedOut && wasReady) return 'gave no answer in time'
  // Nothing is sent before the connection is ready.
  if (timedOut && trouble === undefined) return 'cannot be reached (no connection in time)'
  if (!timedOut && !text.includes('max retries per request')) return text
  const how = trouble !== undefined && /^[A-Z]+ /.test(trouble) ? 'refuses the connection' : 'cannot be reached'
  return `${how}${trouble === undefined ? '' : ` (${trouble})`}`
}

/**
 * A Redis error in plain words, with what to do: ERR_REDIS where Redis is away, full or closed to us, and waiting helps;
 * ERR_REPLY where it answers, and would not answer otherwise later. Errors of our own pass through.
 * @param trouble what the connection last failed of, for commands that only know that there is none
 * @param wasReady the connection was there: a command that got no answer may have been done
 */
export function explainRedisError(error: unknown, settings: RedisSettings, trouble?: string, wasReady = false): Error {
  if (error instanceof RuntimeError || isOfProgram(error)) return error
  const text = error instanceof Error ? error.message : String(error)
  const inner = (error as { cause?: { message?: string }; lastNodeError?: Error }).lastNodeError?.message
  const said = wordsOf(text, trouble, wasReady) + keyOf(error)
  const about = (what = ''): (typeof causes)[number] | undefined => causes.find(([pattern]) => pattern.test(what))
  const cause = (about(said.startsWith(text) ? said : trouble) ?? about(said))?.[1]
  const advice = typeof cause === 'function' ? cause(settings.source) : cause
  const code = isLasting(text) ? 'ERR_REPLY' : 'ERR_REDIS'
  return new RuntimeError(
    code,
    `Redis at ${placeName(settings)}: ${said}${inner ? ` (${inner})` : ''}${advice ? `; ${advice}` : ''}`,
    { cause: error },
  )
}

/** The key of a plain command, where it holds another type and Redis does not name it. */
function keyOf(error: unknown): string {
  const { message = '', command } = error as { message?: string; command?: { name: string; args: unknown[] } }
  if (!message.startsWith('WRONGTYPE Operation') || !command || command.name.startsWith('eval')) return ''
  return ` (${String(command.args[0])})`
}

/** A server that refuses a connection at once (`maxclients`) says why and closes; a client that writes first misses it. */
export function readRefusal({ address }: RedisSettings, timeoutMs = 1000): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = library('node:net').createConnection(
      address.kind === 'unix' ? { path: address.path } : { port: address.port, host: address.host },
    )
    const end = (text?: string): void => {
      socket.destroy()
      resolve(text)
    }
    socket.setTimeout(timeoutMs, () => end())
    socket.once('error', () => end())
    socket.once('close', () => end())
    socket.once('data', (reply) => end(/^-(.*)/.exec(reply.toString())?.[1]?.trim()))
  })
}
