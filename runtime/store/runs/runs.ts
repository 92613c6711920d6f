import { RuntimeError } from '../../core/errors.ts'
import type { Connection } from '../connection/connection.ts'
import { toBatches } from '../queues/deliveries.ts'
import { findLostSteps, type LostSteps } from './lost-steps.ts'
import { RunMemories } from './memory.ts'
import { RunReader, type RunRecord } from './run-reader.ts'
import { stageNodes, writeRun, type Addition, type NewRun, type StagedNodes } from './run-writer.ts'

/** What a step that may run gets, as begin-steps.lua replies. */
export interface StartedStep {
  runClass: string
  /** JSON of a NodeKind. */
  kind: string
  params: string
  globals: string
  parents: number
  /** The run's `memory` field, '' for none; see store/memory.ts. */
  memory: string
  /** Parents' outputs as JSON text ('' for none); `many` when they must be fetched in pages. */
  payloads: { id: string; class: string; output: string }[] | 'many'
}

interface BeginningStep {
  /** As begin-steps.lua reads it. */
  args: (string | number)[]
  resolve: (step: Promise<StartedStep | 'gone' | 'busy'>) => void
  reject: (error: unknown) => void
}

/** Beyond this many parents, their outputs are fetched in pages instead of in the script that begins the step. */
const fewParents = 50
/** Steps that one script puts back (promise 13). */
const recoverBatch = 100

/** Workflow runs in Redis: everything that changes one. Each method is one atomic step, except where it says batches. */
export class Runs {
  readonly read: RunReader
  readonly memories: RunMemories
  readonly #connection: Connection
  /** Steps that begin with this tick's end. */
  readonly #beginning: BeginningStep[] = []

  constructor(connection: Connection) {
    this.#connection = connection
    this.read = new RunReader(connection)
    this.memories = new RunMemories(connection)
  }

  /** How many runs have each status. */
  async countByStatus(): Promise<Record<RunRecord['status'], number>> {
    const statuses = ['pending', 'running', 'finished', 'failed', 'stopped'] as const
    const counts = await this.#connection.ask((redis, keys) =>
      Promise.all(statuses.map((status) => redis.zcard(keys.runsIs(status)))),
    )
    return Object.fromEntries(statuses.map((status, i) => [status, counts[i]!])) as Record<RunRecord['status'], number>
  }

  /** Writes a run, in batches, invisible until it is whole. @throws RuntimeError ERR_STATE when its unique name is taken */
  async create(run: NewRun, nowMs: number): Promise<void> {
    const holder = await writeRun(this.#connection, run, nowMs)
    if (holder !== undefined) throw overlap(run.className, holder)
  }

  /** Sets a pending run going. @throws RuntimeError ERR_NOT_FOUND, ERR_STATE */
  async start(id: string, nowMs: number): Promise<void> {
    check(id, await this.#connection.run('run-start', { id, now: nowMs }), 'start', 'pending')
    await this.advance(nowMs)
  }

  /**
   * Runs failed nodes, and what a stop held back, again; and puts steps back that lie nowhere, also of a run under way.
   * @throws RuntimeError ERR_NOT_FOUND, ERR_STATE
   */
  async resume(id: string, nowMs: number): Promise<void> {
    const reply = (await this.#connection.run('run-resume', { id, now: nowMs })) as string[]
    await this.advance(nowMs)
    const isUnderWay = reply[0] === 'ok' || reply[1] === 'running'
    const found = isUnderWay ? await this.#recover(id, nowMs) : 0
    if (found === 0) check(id, reply, 'continue', 'failed or stopped')
  }

  /** Steps of these runs that are queued or delayed by their run's table, and lie nowhere. */
  async lost(ids: readonly string[]): Promise<LostSteps> {
    return findLostSteps(this.#connection, this.read, ids)
  }

  /** Puts lost steps of a run back, or one of them. @returns how many */
  async #recover(id: string, nowMs: number, index?: number): Promise<number> {
    const { lost } = await findLostSteps(this.#connection, this.read, [id], index)
    const nodes = lost.get(id) ?? []
    let count = 0
    for (let at = 0; at < nodes.length; at += recoverBatch)
      count += Number(await this.#connection.run('run-recover', { id, now: nowMs }, nodes.slice(at, at + recoverBatch)))
    return count
  }

  /** Stops a run at once; jobs of it that run are to be cancelled. @throws RuntimeError ERR_NOT_FOUND, ERR_STATE */
  async stop(id: string, nowMs: number): Promise<void> {
    check(id, await this.#connection.run('run-stop', { id, now: nowMs }), 'stop', 'pending or running')
  }

  /** Runs a node again that has failed or lies nowhere, or lets what hangs on a node go on without it. @throws RuntimeError ERR_NOT_FOUND, ERR_STATE */
  async decide(id: string, index: number, verb: 'retry' | 'skip', nowMs: number): Promise<void> {
    const reply = (await this.#connection.run('run-node', { id, index, now: nowMs, verb })) as string[]
    if (reply[0] === 'no node')
      throw new RuntimeError(
        'ERR_NOT_FOUND',
        `run ${id} has no job ${index}; \`runtime workflow show ${id} --jobs all\` lists them`,
      )
    if (reply[0] === 'illegal') {
      if (verb === 'retry' && (await this.#recover(id, nowMs, index)) > 0) return
      const wanted = verb === 'retry' ? 'a failed job' : 'a job that has not begun, or has failed'
      throw new RuntimeError(
        'ERR_STATE',
        `${verb} job ${index} of run ${id}: expected ${wanted}, it is ${String(reply[1])}`,
      )
    }
    check(id, reply, verb, 'started')
    await this.advance(nowMs)
  }

  /** Removes a run. @throws RuntimeError ERR_NOT_FOUND, ERR_STATE while it runs */
  async destroy(id: string): Promise<void> {
    const reply = await this.#connection.run('run-destroy', { id })
    if (reply === 'running')
      throw new RuntimeError('ERR_STATE', `run ${id} is running: stop it, and let its jobs end, before you destroy it`)
    if (reply === 'gone') throw notFound(id)
  }

  /** Sets how long the run is kept after its end; 0 keeps it. @throws RuntimeError ERR_NOT_FOUND */
  async expire(id: string, ttlMs: number, nowMs: number): Promise<void> {
    if ((await this.#connection.run('run-expire', { id, now: nowMs, ttlMs })) === 'gone') throw notFound(id)
  }

  /** Works off what runs have left to do, in batches; safe from any number of processes. @returns batches done */
  async advance(nowMs: number, maxBatches = 1_000_000): Promise<number> {
    let batches = 0
    for (let left = 1; left > 0 && batches < maxBatches; batches += 1) {
      left = Number(await this.#connection.run('run-continue', { now: nowMs }))
    }
    return batches
  }

  /** Removes runs whose time to live is over. @returns how many */
  async sweep(nowMs: number): Promise<number> {
    return Number(await this.#connection.run('run-sweep', { now: nowMs }))
  }

  /**
   * Marks a delivered step running, unless it has ended (`gone`) or another live job runs it (`busy`). Steps that begin in the same tick begin in
   * one call.
   */
  begin(
    id: string,
    index: number,
    jobId: string,
    attempt: number,
    nowMs: number,
  ): Promise<StartedStep | 'gone' | 'busy'> {
    return new Promise((resolve, reject) => {
      if (this.#beginning.length === 0) process.nextTick(() => this.#beginAll(nowMs))
      this.#beginning.push({ args: [id, index, jobId, attempt], resolve, reject })
    })
  }

  #beginAll(now: number): void {
    for (const part of toBatches(this.#beginning.splice(0), () => 0)) {
      const given = part.flatMap(({ args }) => args)
      const call = this.#connection.run('begin-steps', { now, few: fewParents }, given) as Promise<string[][]>
      call.then(
        (replies) => part.forEach(({ resolve }, i) => resolve(this.#started(replies[i]!))),
        (error: unknown) => part.forEach(({ reject }) => reject(error)),
      )
    }
  }

  /** @throws RuntimeError where its run is damaged */
  async #started(reply: string[]): Promise<StartedStep | 'gone' | 'busy'> {
    const [word, runClass = '', kind = '', params = '', globals = '', parents = '0', amount, memory = '', ...rest] =
      reply
    if (word === 'error') return this.#connection.fail(runClass)
    if (word !== 'go') return word === 'busy' ? 'busy' : 'gone'
    const payloads = Array.from({ length: rest.length / 3 }, (_, i) => ({
      id: rest[i * 3]!,
      class: rest[i * 3 + 1]!,
      output: rest[i * 3 + 2]!,
    }))
    return {
      runClass,
      kind,
      params,
      globals,
      parents: Number(parents),
      memory,
      payloads: amount === 'many' ? 'many' : payloads,
    }
  }

  /** Writes nodes that a step adds; its end joins them to the run. */
  async stage(id: string, addition: Addition): Promise<StagedNodes> {
    return stageNodes(this.#connection, id, addition)
  }
}

/** @throws RuntimeError for a reply that is not `ok` */
function check(id: string, reply: unknown, verb: string, expected: string): void {
  const [word, detail = ''] = reply as string[]
  if (word === 'ok') return
  if (word === 'gone') throw notFound(id)
  if (word === 'overlap') throw overlap(`run ${id}`, detail)
  throw new RuntimeError('ERR_STATE', `${verb} run ${id}: expected it to be ${expected}, it is ${detail || 'pending'}`)
}

function overlap(what: string, holder: string): RuntimeError {
  return new RuntimeError(
    'ERR_STATE',
    `${what}: expected no other run of this unique workflow under way, run ${holder} is; wait for its end or stop it`,
  )
}

/** The error for an id that no run has. */
export function notFound(id: string): RuntimeError {
  return new RuntimeError(
    'ERR_NOT_FOUND',
    `no workflow run ${JSON.stringify(id)}: it never existed, or has expired; \`runtime workflow list\` shows the runs`,
  )
}
