// A worker of another make in a chaos run. It takes with a plain LPOP and enqueues with a plain RPUSH, as Resque does, and
// knows no record, lease or lock.
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { TestRedis } from '../support/redis.ts'

/** The queue that it shares with the crew. No steps of workflows lie there: Ruby would fail them. */
export const sharedQueue = 'f'

export class Foreign {
  /** Numbers of the jobs that it has enqueued. */
  readonly queued: number[] = []
  /** Numbers of the jobs that it has run. */
  readonly ran = new Set<number>()
  /** How often it does not know whether it took a job: each can have lost one, as in Ruby. */
  unknown = 0
  readonly #redis: Redis
  readonly #evidence: string
  readonly #id = `ruby:${process.pid}:${sharedQueue}`

  constructor(server: TestRedis, evidence: string) {
    this.#redis = server.client({ autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0, commandTimeout: 2000 })
    this.#evidence = evidence
  }

  /** Enqueues, numbers from `first` on, and takes, until a time in ms; then leaves. */
  async work(random: () => number, until: number, first: number): Promise<void> {
    for (let n = first; Date.now() < until; n += 1) {
      if (random() < 0.3 && (await this.#push(n).catch(() => false))) this.queued.push(n)
      await this.#take().catch(() => undefined)
      await sleep(random() * 60)
    }
    for (let gone = false; !gone; await sleep(20)) gone = await this.#leave().catch(() => false)
  }

  async #push(n: number): Promise<boolean> {
    const item = JSON.stringify({ class: 'Counted', args: [n, 5] })
    const replies = await this.#redis
      .multi()
      .sadd('resque:queues', sharedQueue)
      .rpush(`resque:queue:${sharedQueue}`, item)
      .exec()
    return replies?.every(([error]) => error === null) ?? false
  }

  async #take(): Promise<void> {
    await this.#redis.sadd('resque:workers', this.#id)
    const item = await this.#redis.lpop(`resque:queue:${sharedQueue}`).catch((error: unknown) => {
      this.unknown += 1
      throw error
    })
    if (item === null) return
    const { args } = JSON.parse(item) as { args: [number] }
    this.ran.add(args[0])
    appendFileSync(this.#evidence, `begin ${args[0]} foreign\n`)
    await this.#redis.set(
      `resque:worker:${this.#id}`,
      JSON.stringify({ queue: sharedQueue, payload: JSON.parse(item) as unknown }),
    )
    await this.#redis.del(`resque:worker:${this.#id}`)
  }

  async #leave(): Promise<boolean> {
    await this.#redis.srem('resque:workers', this.#id)
    await this.#redis.del(`resque:worker:${this.#id}`)
    return true
  }
}
