// One peer at work: an empty server, its producer, its worker, the file of ends, and a deadline for all of it.
import { setTimeout as sleep } from 'node:timers/promises'
import { Ends, type End } from './ends.ts'
import type { Mode, Peer } from './peer.ts'
import { Producer, WorkerProcesses, type Place } from './processes.ts'
import type { Operations, Server, Servers } from './servers.ts'

const LOOK_MS = 3
/** By the monotonic clock of the machine, as the jobs note it. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6

export class Session {
  readonly peer: Peer
  readonly ends = new Ends()
  readonly #deadlineMs: number
  readonly #server: Server
  readonly #place: Place
  #producer: Producer | undefined
  #worker: WorkerProcesses | undefined

  private constructor(peer: Peer, server: Server, withinMs: number) {
    this.peer = peer
    this.#server = server
    this.#deadlineMs = nowMs() + withinMs
    this.#place = { url: server.url, ends: this.ends.path }
  }

  /**
   * Opens a session, has it used, and closes it, whatever happens.
   * @throws if it is not done within the time, or a process of the peer exits
   */
  static async use<T>(
    { servers, peer, withinMs = 30_000, alone = false }: SessionOptions,
    act: (session: Session) => Promise<T>,
  ): Promise<T> {
    const session = new Session(peer, await servers.place(peer.server, alone), withinMs)
    try {
      session.#producer = await session.#within(Producer.start(peer.producer, session.#place), 'to start its producer')
      return await act(session)
    } finally {
      await session.#worker?.end()
      await session.#producer?.end()
      await session.#server.release()
      session.ends.remove()
    }
  }

  /** See the producers' orders in programs/produce.mjs. */
  order(what: string, detail: Record<string, unknown> = {}): Promise<{ startedMs: number; ms: number }> {
    if (this.#producer === undefined) throw new Error('expected a producer that runs')
    return this.#within(this.#producer.order(what, detail), `to be done with "${what}"`)
  }

  startWorker(mode: Mode, concurrency: number): WorkerProcesses {
    const commands = this.peer.worker(mode, concurrency)
    if (commands === undefined) throw new Error(`no worker ${mode} with ${concurrency} at a time`)
    this.#worker = new WorkerProcesses(commands, this.#place)
    return this.#worker
  }

  /** Starts the worker and waits until it has run one job. */
  async startWarmWorker(mode: Mode, concurrency: number): Promise<WorkerProcesses> {
    const worker = this.startWorker(mode, concurrency)
    await this.order('wake')
    await this.waitFor(1)
    return worker
  }

  /** Resolves when so many jobs have ended, with those from the nth on. */
  async waitFor(count: number, from = 0): Promise<End[]> {
    while (this.ends.count < count) {
      this.#worker?.check()
      if (nowMs() > this.#deadlineMs) throw new Error(`${this.ends.count} of ${count} jobs had run at the deadline`)
      await sleep(LOOK_MS)
    }
    return this.ends.read(from)
  }

  /** What its server is asked during so much time. */
  operations(ms: number): Promise<Operations> {
    return this.#server.operations(ms)
  }

  #within<T>(promise: Promise<T>, what: string): Promise<T> {
    const leftMs = Math.max(0, this.#deadlineMs - nowMs())
    const timer = new AbortController()
    const late = sleep(leftMs, undefined, { signal: timer.signal }).then(() => {
      throw new Error(`expected the producer ${what} before the deadline`)
    })
    late.catch(() => undefined)
    return Promise.race([promise, late]).finally(() => timer.abort())
  }
}

export interface SessionOptions {
  servers: Servers
  peer: Peer
  /** The deadline for all of it. */
  withinMs?: number
  /** On a Redis that no other peer uses meanwhile. */
  alone?: boolean
}
