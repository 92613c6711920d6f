// Light workers that wait for jobs: real fetchers in this process, each with connections of its own.
import assert from 'node:assert/strict'
import { afterEach } from 'node:test'
import { systemClock } from '../../runtime/core/clock.ts'
import { newId } from '../../runtime/core/ids.ts'
import { silentLogger } from '../../runtime/core/logger.ts'
import type { Store } from '../../runtime/store/store.ts'
import type { Reserved } from '../../runtime/store/workers/supervisors.ts'
import { Fetcher } from '../../runtime/worker/reserve/fetcher.ts'
import type { TestRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'

const ttlMs = 60_000
const never = 60_000
const open: (() => void)[] = []

/** Ends what a test has opened. */
export function closeAfterEach(): void {
  afterEach(() => {
    for (const close of open.splice(0)) close()
  })
}

export function newStore(server: TestRedis): Store {
  const store = testStore(server)
  open.push(() => store.close())
  return store
}

/** An idle worker: it takes every job at once, and counts how often it looks for one. */
export class IdleWorker {
  readonly store: Store
  readonly id = newId()
  readonly taken: Reserved[] = []
  /** How often it has looked for jobs. */
  looks = 0
  readonly fetcher: Fetcher

  constructor(server: TestRedis, queues: string[], pollMs = never) {
    this.store = newStore(server)
    const reserve = this.store.supervisors.reserve.bind(this.store.supervisors)
    this.store.supervisors.reserve = (...args) => {
      this.looks += 1
      return reserve(...args)
    }
    this.fetcher = new Fetcher({
      ...{ store: this.store, clock: systemClock, log: silentLogger, queues, slots: 1, weights: {}, pollMs },
      supervisorId: () => this.id,
      onFenced: () => assert.fail('fenced'),
      onEmpty: () => undefined,
    })
  }

  /** @param slots how many jobs it takes before it is busy; without a bound by default */
  async start(slots = Infinity): Promise<this> {
    await this.store.supervisors.register(this.id, [`vm:${this.id}:q`], {}, ttlMs)
    await this.fetcher.start()
    open.push(() => this.fetcher.stop())
    void (async () => {
      for (let slot = 0; slot < slots; slot += 1) {
        const job = await this.fetcher.next(`vm:${this.id}:q`)
        if (!job) return
        this.taken.push(job)
      }
    })()
    return this
  }
}

export const sum = (workers: IdleWorker[]): number => workers.reduce((total, { looks }) => total + looks, 0)
export const taken = (workers: IdleWorker[]): number =>
  workers.reduce((total, worker) => total + worker.taken.length, 0)

/** Starts workers and waits until each is registered as idle. */
export async function idle(
  server: TestRedis,
  queues: string[],
  count: number,
  options: { pollMs?: number; slots?: number } = {},
): Promise<IdleWorker[]> {
  const workers = await Promise.all(
    Array.from({ length: count }, () => new IdleWorker(server, queues, options.pollMs).start(options.slots)),
  )
  await eventually(async () => (await registered(server)) >= count && workers.every(({ looks }) => looks > 0))
  return workers
}

/** How many workers are registered as idle. */
export async function registered(server: TestRedis): Promise<number> {
  const redis = server.client()
  const lists = await redis.keys('resque:rt:idle:*')
  const sizes = await Promise.all(lists.map((list) => redis.zcard(list)))
  redis.disconnect()
  return sizes.reduce((total, size) => total + size, 0)
}
