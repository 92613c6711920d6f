import { setTimeout as sleep } from 'node:timers/promises'
import { withCode } from '../../core/errors.ts'
import type { RedisSettings } from '../../../config/redis-url.ts'
import type { Redis } from 'ioredis'
import type { Logger } from '../../core/logger.ts'
import { longestTimerMs } from '../../core/clock.ts'
import { keysOf, type Keys } from '../keys.ts'
import { isMoved } from './cluster.ts'
import { connect, explainRedisError, readRefusal } from './redis.ts'
import { wholeEscapes } from '../../core/json-text.ts'
import { scripts } from './scripts.generated.ts'

/** Names of the scripts in runtime/store/lua. */
export type ScriptName = keyof typeof scripts

type ArgName<N extends ScriptName> = (typeof scripts)[N]['args'][number]

/** Every argument of a script by name; `rest` in addition where its header has `@rest`. */
export type ScriptArgs<N extends ScriptName> = Record<ArgName<N>, string | number | Buffer>

/**
 * Runs a script by its SHA, and loads it where Redis does not know it (a restart or SCRIPT FLUSH), so a flushed cache
 * costs one more round trip and nothing else.
 * @param prefix the namespace with its colon: the script's only key
 */
export async function runScript<N extends ScriptName>(
  redis: Redis,
  prefix: string,
  name: N,
  args: ScriptArgs<N>,
  rest: readonly (string | number)[] = [],
): Promise<unknown> {
  const script = scripts[name]
  const values = (script.args as readonly ArgName<N>[]).map((arg) => args[arg])
  try {
    return await redis.evalsha(script.sha1, 1, prefix, ...values, ...rest)
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    const { luaOf } = await import('./lua.generated.ts')
    return await redis.eval(luaOf(name), 1, prefix, ...values, ...rest)
  }
}

/**
 * JSON that a script decodes. Half a surrogate pair, such as the end of a text that was cut in the middle of an emoji,
 * becomes U+FFFD: cjson refuses the escape that JSON.stringify writes for it, and with it the whole text.
 */
export function scriptJson(value: object): string {
  return wholeEscapes(JSON.stringify(value))
}

/** How long to wait for a slot that is on its way. */
const ASK_AGAIN_MS = 50

/** One namespace of one Redis: what every part of the store works on. */
export class Connection {
  readonly keys: Keys
  readonly settings: RedisSettings
  #redis: Redis | undefined
  #subscriber: Redis | undefined
  #pings: NodeJS.Timeout | undefined
  #trouble: string | undefined
  #wasReady = false
  /** The first call of each script; null once it has been answered. */
  readonly #firstCalls = new Map<ScriptName, Promise<void> | null>()
  readonly #heard = new Map<string, { listeners: Set<(message: string) => void>; subscribed: Promise<unknown> }>()

  constructor(settings: RedisSettings, namespace: string) {
    this.settings = settings
    this.keys = keysOf(namespace)
  }

  /** The client, made when it is first needed: its library takes long to load. */
  get redis(): Redis {
    this.#redis ??= connect(this.settings, this.keys.prefix)
      .on('error', ({ message }: Error) => {
        this.#trouble = message.startsWith('Socket timeout') ? 'it does not answer' : message.trim()
      })
      .on('ready', () => ([this.#trouble, this.#wasReady] = [undefined, true]))
    return this.#redis
  }

  /** Runs a script by name. @throws RuntimeError ERR_REDIS with what to do; ERR_REPLY where asking again would not help */
  async run<N extends ScriptName>(name: N, args: ScriptArgs<N>, rest?: readonly (string | number)[]): Promise<unknown> {
    const { prefix } = this.keys
    return this.ask((redis) =>
      this.#untilServed(() => this.#inOrder(name, () => runScript(redis, prefix, name, args, rest))),
    )
  }

  /**
   * Calls of a script are sent in their order. Where Redis does not have it the first call is sent twice, and later ones would
   * overtake it: so they wait for its answer. Where it gets none they fail as it does, within the same time.
   */
  async #inOrder<T>(name: ScriptName, send: () => Promise<T>): Promise<T> {
    const first = this.#firstCalls.get(name)
    if (first) await first
    if (first !== undefined) return send()
    const sent = send()
    const answered = sent.then(
      () => undefined,
      (error: Error) => {
        if (error.name !== 'ReplyError') throw error
      },
    )
    this.#firstCalls.set(name, answered)
    answered.then(
      () => this.#firstCalls.set(name, null),
      () => this.#firstCalls.delete(name),
    )
    return sent
  }

  /** Runs plain commands. @throws as {@link run}, and what `commands` itself throws */
  async ask<T>(commands: (redis: Redis, keys: Keys) => Promise<T>): Promise<T> {
    try {
      return await commands(this.redis, this.keys)
    } catch (error) {
      throw await this.#explained(error)
    }
  }

  /**
   * Listens to a channel until the returned function is called. What is published while the connection is away is
   * missed, so a listener must also poll.
   * @throws RuntimeError ERR_REDIS where Redis refuses: then nothing is heard
   */
  async listen(channel: string, onMessage: (message: string) => void): Promise<() => void> {
    const heard = this.#heard.get(channel) ?? {
      listeners: new Set(),
      subscribed: this.#channels().subscribe(channel),
    }
    this.#heard.set(channel, heard)
    heard.listeners.add(onMessage)
    const stop = (): void => {
      heard.listeners.delete(onMessage)
      if (heard.listeners.size > 0 || this.#heard.get(channel) !== heard) return
      this.#heard.delete(channel)
      void this.#subscriber?.unsubscribe(channel).catch(() => undefined)
    }
    try {
      await heard.subscribed
    } catch (error) {
      stop()
      throw await this.#explained(error)
    }
    return stop
  }

  /**
   * The same for those who also poll: that the user may not listen to the channel is only worth a warning.
   * @returns undefined where the user may not
   */
  async listenIfAllowed(
    channel: string,
    onMessage: (message: string) => void,
    log?: Logger,
  ): Promise<(() => void) | undefined> {
    return this.listen(channel, onMessage).catch((error: Error) => {
      if (!error.message.includes('NOPERM')) throw error
      log?.warn(`cannot listen to ${channel}, so changes are found only by polling: ${withCode(error)}`)
      return undefined
    })
  }

  /** Lets go of Redis without waiting for it. */
  close(): void {
    clearInterval(this.#pings)
    // On a client that has ended already, disconnect() would keep the process for two seconds.
    for (const client of [this.#redis, this.#subscriber]) if (client && client.status !== 'end') client.disconnect()
  }

  /** Fails as {@link ask} does, with what a script has replied in place of an error of its own. @throws RuntimeError */
  async fail(why: string): Promise<never> {
    throw await this.#explained(new Error(why))
  }

  async #explained(error: unknown): Promise<Error> {
    const { settings, redis } = this
    if (settings.address.kind === 'tls' && redis.status === 'connecting')
      this.#trouble ??= 'no answer to the TLS handshake'
    // A socket that closed under a command says EPIPE, ECONNRESET or nothing, where the server has said why.
    else if (
      isDropped(error) &&
      !settings.sentinel &&
      !settings.cluster &&
      /EPIPE|ECONNRESET|^$/.test(this.#trouble ?? '')
    )
      this.#trouble = (await readRefusal(settings)) ?? this.#trouble
    return explainRedisError(error, settings, this.#trouble, this.#wasReady)
  }

  /**
   * While a cluster moves the slot, or fails over, no master takes scripts: their key is the namespace, which exists on none.
   * Nothing of them was done, so they are sent again until their time is up.
   */
  async #untilServed<T>(send: () => Promise<T>): Promise<T> {
    const { cluster, commandTimeoutMs } = this.settings
    const endsAt = performance.now() + commandTimeoutMs
    for (;;) {
      try {
        return await send()
      } catch (error) {
        if (!cluster || !isMoved((error as Error).message) || performance.now() > endsAt) throw error
        await sleep(ASK_AGAIN_MS)
      }
    }
  }

  #channels(): Redis {
    this.#subscriber ??= this.#subscribe()
    return this.#subscriber
  }

  /** Nothing is asked of a subscriber, so that only a ping finds out that its other side is gone. */
  #subscribe(): Redis {
    const subscriber = connect(this.settings, this.keys.prefix, 'subscriber').on('message', (channel, message) => {
      this.#heard.get(channel)?.listeners.forEach((listener) => listener(message))
    })
    const ping = (): void => {
      if (subscriber.status === 'ready') void subscriber.ping().catch(() => undefined)
    }
    this.#pings = setInterval(ping, Math.min(3 * this.settings.commandTimeoutMs, longestTimerMs)).unref()
    return subscriber
  }
}

const isDropped = (error: unknown): boolean =>
  error instanceof Error && /max retries per request|Connection is closed/.test(error.message)

/** A flat list as Redis replies it, in pairs: names and values, members and scores. */
export const pairsOf = <T extends string | Buffer>(flat: readonly T[]): [T, T][] =>
  Array.from({ length: flat.length / 2 }, (_, i) => [flat[i * 2]!, flat[i * 2 + 1]!])

/** Text that stands for itself in a pattern of SCAN. */
export const globLiteral = (text: string): string => text.replace(/[\\*?[\]]/g, '\\$&')
