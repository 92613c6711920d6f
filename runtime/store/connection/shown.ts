import type { Redis } from 'ioredis'
import { Connection, type ScriptArgs, type ScriptName } from './connection.ts'
import { keyTypes } from './key-types.generated.ts'
import type { Keys } from '../keys.ts'

/** What is said of a key that holds another type than its own. */
export function wrongType(key: string, type: string, prefix: string): string {
  const expected = keyTypes[key.slice(prefix.length)]
  const its = expected === undefined ? 'which is not its type' : `expected a ${expected}`
  return `the key ${key} holds a ${type}, ${its}: what belongs there is not shown`
}

/** What a command of ioredis has when it is sent. */
interface SentCommand {
  name: string
  args: unknown[]
}

/** What to do about a key of another type. */
export const unreadCure = 'rename or remove the key; docs/redis-keys.md has the type of each'

/**
 * A connection for what is only shown, over that of `base`: a key of another type reads as if it were not there, and `unread`
 * gets a sentence with its name. Not for what writes: it would decide by what it does not see.
 */
export class ShownConnection extends Connection {
  readonly #base: Connection
  readonly #unread: Set<string>

  constructor(base: Connection, unread: Set<string>) {
    super(base.settings, base.keys.prefix.slice(0, -1))
    this.#base = base
    this.#unread = unread
  }

  override get redis(): Redis {
    const { redis } = this.#base
    const sendCommand = (command: SentCommand): Promise<unknown> =>
      (redis.sendCommand(command as never) as Promise<unknown>).catch(async (error: Error) => {
        const empty = emptyReply(command)
        if (!error.message.startsWith('WRONGTYPE') || empty === undefined) throw error
        const key = String(command.args[0])
        this.#unread.add(wrongType(key, await redis.type(key), this.keys.prefix))
        return empty
      })
    return Object.create(redis, { sendCommand: { value: sendCommand } }) as Redis
  }

  override ask<T>(commands: (redis: Redis, keys: Keys) => Promise<T>): Promise<T> {
    return this.#base.ask((_redis, keys) => commands(this.redis, keys))
  }

  override run<N extends ScriptName>(
    name: N,
    args: ScriptArgs<N>,
    rest?: readonly (string | number)[],
  ): Promise<unknown> {
    return this.#base.run(name, args, rest)
  }

  override listen(channel: string, onMessage: (message: string) => void): Promise<() => void> {
    return this.#base.listen(channel, onMessage)
  }
}

/** What Redis replies to a read whose key does not exist, as ioredis returns it; undefined for what is no such read. */
function emptyReply({ name, args }: SentCommand): unknown {
  if (/^(?:get|hget|lindex|lpos|zscore|zrev?rank)$/.test(name)) return null
  if (/^(?:[hl]len|[sz]card|zcount|xlen|strlen|hexists)$/.test(name)) return 0
  if (/^(?:lrange|zrange|zrangebyscore|zrevrange|smembers|hkeys|hrandfield|xrange|xrevrange)$/.test(name)) return []
  if (name === 'hmget') return args.slice(1).map(() => null)
  if (name === 'hgetall') return {}
  if (name === 'hscan') return ['0', []]
  return name === 'getrange' ? '' : undefined
}
