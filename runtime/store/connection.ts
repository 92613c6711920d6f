import type { Redis } from 'ioredis'
import { keysOf, type Keys } from './keys.ts'
import { connect, explain, placeName, type RedisSettings } from './redis.ts'
import { runScript, type ScriptArgs, type ScriptName } from './script.ts'

/** One namespace of one Redis: what every part of the store works on. */
export class Connection {
  readonly redis: Redis
  readonly keys: Keys
  readonly settings: RedisSettings
  #subscriber: Redis | undefined
  #trouble: string | undefined
  readonly #listeners = new Map<string, Set<(message: string) => void>>()

  constructor(settings: RedisSettings, namespace: string) {
    this.settings = settings
    this.redis = connect(settings)
      .on('error', (error: Error) => (this.#trouble = error.message.trim()))
      .on('ready', () => (this.#trouble = undefined))
    this.keys = keysOf(namespace)
  }

  /** Runs a script by name. @throws RuntimeError ERR_REDIS with what to do; ERR_REPLY where asking again would not help */
  async run<N extends ScriptName>(name: N, args: ScriptArgs<N>, rest?: readonly (string | number)[]): Promise<unknown> {
    return this.ask((redis) => runScript(redis, this.keys.prefix, name, args, rest))
  }

  /** Runs plain commands. @throws as {@link run}, and what `commands` itself throws */
  async ask<T>(commands: (redis: Redis, keys: Keys) => Promise<T>): Promise<T> {
    try {
      return await commands(this.redis, this.keys)
    } catch (error) {
      throw explain(error, placeName(this.settings), this.#trouble)
    }
  }

  /**
   * Listens to a channel until the returned function is called. What is published while the connection is away is
   * missed, so a listener must also poll.
   */
  async listen(channel: string, onMessage: (message: string) => void): Promise<() => void> {
    const set = this.#listeners.get(channel) ?? new Set()
    set.add(onMessage)
    if (!this.#listeners.has(channel)) {
      this.#listeners.set(channel, set)
      await this.#channels().subscribe(channel)
    }
    return () => {
      set.delete(onMessage)
      if (set.size > 0 || this.#listeners.get(channel) !== set) return
      this.#listeners.delete(channel)
      void this.#subscriber?.unsubscribe(channel).catch(() => undefined)
    }
  }

  /** Lets go of Redis without waiting for it. */
  close(): void {
    // On a client that has ended already, disconnect() would keep the process for two seconds.
    for (const client of [this.redis, this.#subscriber]) if (client && client.status !== 'end') client.disconnect()
  }

  #channels(): Redis {
    this.#subscriber ??= connect(this.settings, 'subscriber').on('message', (channel, message) => {
      for (const listener of this.#listeners.get(channel) ?? []) listener(message)
    })
    return this.#subscriber
  }
}
