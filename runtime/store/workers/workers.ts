import { slotsOf, type SupervisorInfo } from './supervisors.ts'
import type { Connection } from '../connection/connection.ts'

/** One worker, of whatever kind: ours, Ruby's, or another. */
export interface WorkerInfo {
  id: string
  /** What people call it (`worker.name`); Ruby's workers have none. */
  name: string | undefined
  host: string
  pid: string
  queues: string[]
  startedAt: string | undefined
  heartbeat: string | undefined
  /** The job in hand: Resque's JSON `{queue, run_at, payload}`. */
  working: string | undefined
  processed: number
  failed: number
}

/** Resque's own bound: a Ruby worker that starts removes workers whose heartbeat is older (worker.rb, PRUNE_INTERVAL). */
const silentAfterMs = 300_000

/** How long a worker has sent no heartbeat, where that is so long that it must be dead; undefined for one that has none. */
export function silentForMs({ heartbeat }: WorkerInfo, nowMs: number): number | undefined {
  const silentMs = nowMs - Date.parse(heartbeat ?? '')
  return silentMs > silentAfterMs ? silentMs : undefined
}

/** Workers that live, by Redis's clock: the lease of their supervisor has not expired; without a supervisor their heartbeat is not old. */
export function liveWorkers(
  workers: readonly WorkerInfo[],
  supervisors: readonly SupervisorInfo[],
  nowMs: number,
): WorkerInfo[] {
  const leases = new Map(supervisors.flatMap(({ slots, leaseEndsAtMs }) => slots.map((slot) => [slot, leaseEndsAtMs])))
  return workers.filter((worker) => {
    const leaseEndsAtMs = leases.get(worker.id)
    return leaseEndsAtMs === undefined ? silentForMs(worker, nowMs) === undefined : leaseEndsAtMs >= nowMs
  })
}

/** Resque's worker registry, read; and what became of this runtime's supervisors. */
export class Workers {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** All registered workers, by id. */
  async list(): Promise<WorkerInfo[]> {
    return this.#connection.ask(async (redis, keys) => {
      const [ids, heartbeats, supervisors] = await Promise.all([
        redis.smembers(keys.workers()),
        redis.hgetall(keys.heartbeats()),
        redis.zrangebyscore(keys.supervisors(), '-inf', '+inf'),
      ])
      const named = await Promise.all(supervisors.map((id) => redis.hmget(keys.supervisor(id), 'name', 'slots')))
      const names = new Map(
        named.flatMap(([name, slots]) =>
          name ? slotsOf(slots ?? undefined).map((slot): [string, string] => [slot, name]) : [],
        ),
      )
      return Promise.all(
        ids.sort().map(async (id) => {
          const [startedAt, working, processed, failed] = await redis.mget(
            keys.workerStarted(id),
            keys.worker(id),
            keys.statProcessedOf(id),
            keys.statFailedOf(id),
          )
          const [host = '', pid = '', ...queues] = id.split(':')
          return {
            id,
            name: names.get(id),
            host,
            pid,
            queues: queues.join(':').split(','),
            startedAt: startedAt ?? undefined,
            heartbeat: heartbeats[id],
            working: working ?? undefined,
            processed: Number(processed ?? 0),
            failed: Number(failed ?? 0),
          }
        }),
      )
    })
  }

  /** Resque's two counters. */
  async stats(): Promise<{ processed: number; failed: number }> {
    const [processed, failed] = await this.#connection.ask((redis, keys) =>
      redis.mget(keys.statProcessed(), keys.statFailed()),
    )
    return { processed: Number(processed ?? 0), failed: Number(failed ?? 0) }
  }

  /** How many jobs each of these supervisors has in hand. */
  async inflightCounts(ids: readonly string[]): Promise<number[]> {
    return this.#connection.ask((redis, keys) => Promise.all(ids.map((id) => redis.hlen(keys.inflight(id)))))
  }

  /** Supervisors that died lately, newest first: when their jobs were requeued. At most a hundred are remembered. */
  async lost(): Promise<{ id: string; atMs: number }[]> {
    const notes = await this.#connection.ask((redis, keys) => redis.lrange(keys.lostSupervisors(), 0, 99))
    return notes.map((note) => ({ id: note.slice(note.indexOf(' ') + 1), atMs: Number(note.split(' ')[0]) }))
  }
}
