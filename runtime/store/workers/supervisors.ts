import { jsonArray, textIn } from '../../core/json-text.ts'
import { type Connection, pairsOf, scriptJson } from '../connection/connection.ts'
import { parseInFlight, toBatches, reservedOf } from '../queues/deliveries.ts'
import type {
  Delivery,
  FreeSlots,
  Idle,
  Reserved,
  ReserveReply,
  RunningJob,
  Settlement,
  SupervisorInfo,
} from '../queues/deliveries.ts'
import { answered, EndWriter, endsArgs } from './end-writer.ts'
import { formatFailedAt, formatHeartbeat, formatRunAt, formatStarted } from '../queues/resque-time.ts'

export type { Reserved, Delivery, Idle, ReserveReply, Settlement, SupervisorInfo } from '../queues/deliveries.ts'

/** Worker ids of a supervisor's slots, from the JSON text of its record. */
export const slotsOf = (text: string | undefined): string[] => jsonArray(text).map(textIn)

/** Queues that one script call looks at (promise 13). */
const queuesAtOnce = 250

/** Everything a supervisor does in Redis; leases, in-flight records, Resque's worker registration. */
export class Supervisors {
  readonly #connection: Connection
  readonly #ends: EndWriter
  /** Redis's clock less this process's monotonic one, in ms, by the last answer: Ruby prunes heartbeats by Redis's. */
  #redisAheadMs: number | undefined

  constructor(connection: Connection) {
    this.#connection = connection
    this.#ends = new EndWriter(connection)
  }

  /**
   * Registers a supervisor and its worker ids, as Resque's workers register, and takes the first lease: in one step.
   * @throws RuntimeError ERR_REDIS, also where the user may not use transactions: a worker cannot do without
   */
  async register(id: string, slots: readonly string[], about: Record<string, string>, leaseMs: number): Promise<void> {
    await this.#connection.ask((redis) => redis.multi().time().exec())
    const described = scriptJson({ ...about, slots: scriptJson(slots) })
    const times = { leaseMs, heartbeat: await this.#heartbeat(), started: formatStarted(new Date()) }
    await this.#connection.run('register', { supervisor: id, ...times, about: described }, slots)
  }

  /** Changes what it says of itself, while it has its lease. */
  async describe(id: string, about: Record<string, string>): Promise<void> {
    await this.#connection.run('describe', { supervisor: id, about: scriptJson(about) })
  }

  /** Renews the lease, in Redis time, and beats for every slot. `held`: how many jobs are in flight. */
  async beat(
    id: string,
    slots: readonly string[],
    leaseMs: number,
  ): Promise<{ fenced: boolean; redisNowMs: number; held: number; dead: string[] }> {
    const heartbeat = await this.#heartbeat()
    const reply = await this.#connection.run('beat', { supervisor: id, leaseMs, heartbeat }, slots)
    const [word, redisNowMs, held, ...dead] = reply as [string, number, number, ...string[]]
    this.#redisAheadMs = Number(redisNowMs) - performance.now()
    const others = dead.filter((other) => other !== id)
    return { fenced: word === 'fenced', redisNowMs: Number(redisNowMs), held: Number(held), dead: others }
  }

  async #heartbeat(): Promise<string> {
    this.#redisAheadMs ??= (await this.#redisNowMs()) - performance.now()
    return formatHeartbeat(new Date(performance.now() + this.#redisAheadMs))
  }

  async #redisNowMs(): Promise<number> {
    const [seconds, microseconds] = await this.#connection.ask((redis) => redis.time())
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
  }

  /**
   * Takes jobs for free slots, in the order of `queues`, and records the ends that wait for a call ({@link EndWriter.take}) with it: that jobs
   * cannot be taken does not concern them.
   * @param free at most fifty: the jobs found are theirs, in their order
   * @param idle registers the worker as idle when there is less than it has slots for; absent: no push wakes it
   */
  async reserve(
    id: string,
    { workers, newId }: FreeSlots,
    queues: readonly string[],
    nowMs: number,
    idle?: Idle,
  ): Promise<ReserveReply> {
    const { list = '', listener = '', forMs: idleMs = 0, listed = true, polled = false } = idle ?? {}
    const args = { supervisor: id, list, listener, idleMs, listed: listed ? 1 : 0, polled: polled ? 1 : 0 }
    const jobs: Reserved[] = []
    for (let at = 0; ; at += queuesAtOnce) {
      const free = workers.slice(jobs.length)
      const some = queues.slice(at, at + queuesAtOnce)
      const ends = this.#ends.take(id)
      const own = { ...endsArgs(ends), now: nowMs, slots: free.length, newId: at === 0 ? newId : `${newId}-q${at}` }
      const call = this.#connection.run('reserve', { ...args, ...own }, [...free, ...some]) as Promise<unknown[]>
      void answered(
        ends,
        call.then(([answers]) => answers),
      )
      const reply = await call
      const [, word, queueCount] = reply as [unknown, string, number]
      // What was taken from the queues before is in hand all the same.
      if (word !== 'taken' && word !== 'empty') {
        if (jobs.length > 0) return { kind: 'taken', jobs }
        if (word === 'error') return this.#connection.fail(String(queueCount))
        return { kind: word } as ReserveReply
      }
      for (let i = word === 'taken' ? 2 : 3; i < reply.length; i += 1) jobs.push(reservedOf(reply[i] as string[]))
      if (word === 'taken') return { kind: 'taken', jobs }
      if (at + queuesAtOnce >= queues.length) return { kind: 'empty', jobs, queueCount: Number(queueCount) }
    }
  }

  /** @param gathers see {@link EndWriter.gathers} */
  gatherEnds(gathers: boolean): void {
    this.#ends.gathers = gathers
  }

  /** Records a job's end: see {@link EndWriter.settle}. */
  settle(id: string, job: Delivery, nowMs: number, failedMax: number, end: Settlement): Promise<boolean> {
    return this.#ends.settle(id, job, nowMs, failedMax, end)
  }

  /** Writes Resque's record of the job in hand for slots whose job has run for a moment. */
  async show(id: string, running: readonly RunningJob[]): Promise<void> {
    for (const part of toBatches(running, ({ bytes }) => bytes)) {
      const rest = part.flatMap(({ worker, id: job, delivery, runAtMs }) => [
        ...[worker, job, delivery],
        formatRunAt(new Date(runAtMs)),
      ])
      await this.#connection.run('show-jobs', { supervisor: id }, rest)
    }
  }

  /**
   * Ends a delivery but not the job.
   * @param dueAtMs 0: at once, at the head of its queue; else when to run again
   * @param counted true when the delivery was an attempt
   * @param ttlMs of its record, where it ends after all, since it was cancelled
   * @returns false when the job is another's now
   */
  async requeue(
    id: string,
    job: Delivery,
    nowMs: number,
    dueAtMs: number,
    counted: boolean,
    ttlMs: number,
    fields: Record<string, string> = {},
  ): Promise<boolean> {
    const reply = await this.#connection.run('requeue', {
      supervisor: id,
      worker: job.worker,
      id: job.id,
      delivery: job.delivery,
      now: nowMs,
      dueAt: dueAtMs,
      counted: counted ? 1 : 0,
      ttlMs,
      fields: scriptJson(fields),
      failedAt: formatFailedAt(new Date(nowMs)),
    })
    return reply === 'ok'
  }

  /**
   * Notes that a delivery's process is about to start, and gives up a unique lock that lasts until then.
   * @param once this delivery is the only one
   * @returns false when the job is another's now
   */
  async begin(id: string, { id: job, delivery }: Delivery, once: boolean): Promise<boolean> {
    return (await this.#connection.run('begin', { supervisor: id, id: job, delivery, once: once ? 1 : 0 })) === 'ok'
  }

  /** Which of these jobs are to be cancelled. */
  async askedToCancel(jobs: readonly string[]): Promise<string[]> {
    const asked = await this.#connection.ask((redis, keys) =>
      Promise.all(jobs.map((job) => redis.hexists(keys.job(job), 'cancel_asked_at'))),
    )
    return jobs.filter((_, i) => asked[i] === 1)
  }

  /** Supervisors whose lease has run out, in Redis time, at most ten; and how long the next of the others has. */
  async lapsed(): Promise<{ dead: string[]; nextInMs: number | undefined }> {
    const [next, ...dead] = (await this.#connection.run('lapsed', { count: 10 })) as [number | '', ...string[]]
    return { dead, nextInMs: next === '' ? undefined : next }
  }

  /** Takes over the jobs of a supervisor whose lease has run out. `stuck` says why some of them cannot be taken. */
  async reclaim(
    dead: string,
    limits: { maxRedeliveries: number; failedMax: number; ttlMs: number },
    nowMs: number,
  ): Promise<{ back: string[]; failed: string[]; stuck?: string }> {
    const total: { back: string[]; failed: string[]; stuck?: string } = { back: [], failed: [] }
    for (;;) {
      const failedAt = formatFailedAt(new Date(nowMs))
      const reply = await this.#connection.run('reclaim', { supervisor: dead, now: nowMs, failedAt, ...limits })
      const [word, back = [], failed = [], stuck = ''] = reply as [string, string[]?, string[]?, string?]
      total.back.push(...back)
      total.failed.push(...failed)
      if (stuck !== '') total.stuck = stuck
      if (word !== 'more') return total
    }
  }

  /** Ids of the jobs recorded as held by a supervisor. */
  async inflight(id: string): Promise<Map<string, { delivery: string; worker: string }>> {
    const held = await this.#connection.ask((redis, keys) => redis.hgetall(keys.inflight(id)))
    return new Map(Object.entries(held).map(([job, value]) => [job, parseInFlight(value)]))
  }

  /** Every supervisor that has a lease, lapsed ones included. */
  async list(): Promise<SupervisorInfo[]> {
    return this.#connection.ask(async (redis, keys) => {
      const rows = await redis.zrangebyscore(keys.supervisors(), '-inf', '+inf', 'WITHSCORES')
      const infos = pairsOf(rows).map(async ([id, leaseEnd]): Promise<SupervisorInfo> => {
        const about = await redis.hgetall(keys.supervisor(id))
        return { id, leaseEndsAtMs: Number(leaseEnd), slots: slotsOf(about.slots), about }
      })
      return Promise.all(infos)
    })
  }

  /** Leaves: Resque's exit sequence for every slot. What is still in flight is left for the reaper. */
  async unregister(id: string, slots: readonly string[]): Promise<void> {
    await this.#connection.ask(async (redis, keys) => {
      const calls = redis.multi()
      for (const slot of slots) {
        calls.srem(keys.workers(), slot).del(keys.worker(slot), keys.workerStarted(slot))
        calls.hdel(keys.heartbeats(), slot).del(keys.statProcessedOf(slot), keys.statFailedOf(slot))
      }
      if ((await redis.hlen(keys.inflight(id))) === 0) calls.zrem(keys.supervisors(), id).del(keys.supervisor(id))
      else calls.zadd(keys.supervisors(), 'XX', 1, id)
      return calls.exec()
    })
  }
}
