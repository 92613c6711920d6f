import type { Redis } from 'ioredis'

type Call = (...args: unknown[]) => Promise<unknown>

const said = new Set<string>()

/** Once in a process: each connects twice, and again. */
function warn(text: string): void {
  if (said.has(text)) return
  said.add(text)
  process.stderr.write(`resque-runtime: ${text}\n`)
}

/**
 * What ioredis takes from Redis with a sentence of its own on standard error, it takes with one of ours, which has the cure:
 * a password that Redis does not ask for, a user who may not use INFO behind Sentinel.
 * @param place address of the Redis, for messages
 * @param source what names it: `--redis`, `REDIS_URL`
 */
export function rewordWarnings(redis: Redis, place: string, source = 'redis.url'): void {
  const { auth, info } = redis as unknown as { auth: Call; info: Call }
  const own: { auth: Call; info: Call } = {
    auth: (...args) =>
      auth.apply(redis, args).catch((error: Error) => {
        if (!/no password is set|without any password configured/.test(error.message)) throw oldServer(error)
        warn(
          `Redis at ${place}: expected no password, got one, which is ignored; ` +
            `remove it from ${source} or redis.password, or give the Redis user this password (requirepass, ACL SETUSER)`,
        )
        return 'OK'
      }),
    info: (...args) => {
      const callback = args[0] as ((error: Error | null, text?: unknown) => void) | undefined
      if (typeof callback !== 'function') return info.apply(redis, args)
      // Of the check that a node of Sentinel still is the master; without an answer it passes.
      return info.call(redis).then(
        (text: unknown) => callback(null, text),
        (error: Error) => {
          if (!error.message.includes('NOPERM')) return callback(error)
          warn(
            `Redis at ${place}: the user may not use INFO, so a node that is no longer the master is noticed only when it ` +
              'refuses a write; `ACL SETUSER <name> +info`',
          )
          return callback(null, '')
        },
      )
    },
  }
  Object.assign(redis, own)
}

/** Redis before 6 has no users. ioredis would go on without having signed in. */
const oldServer = (error: Error): Error =>
  error.message.includes('wrong number of arguments')
    ? new Error('ERR AUTH with a user name is not known to this Redis, which is older than 6', { cause: error })
    : error
