import type { Store } from '../../runtime/store/store.ts'
import { testStore } from '../support/store.ts'
import type { NewNode, StoredEdge } from '../../runtime/store/runs/run-table.ts'
import type { TestRedis } from '../support/redis.ts'
import { reserveOne } from '../support/reserve.ts'

/** A graph for tests by name: `{ c: ['a', 'b'] }` is c after a and b; `!a` is a failure branch, `~a` goes on either way. */
export type Sketch = Record<string, string[]>

/** Nodes of a sketch, one kind a name, ids in the order of the names. */
export function sketch(edges: Sketch): { nodes: NewNode[]; names: string[] } {
  const names = Object.keys(edges)
  const edgeOf = (text: string): StoredEdge => {
    const name = text.replace(/^[!~]/, '')
    if (!names.includes(name)) throw new Error(`sketch: no node ${name}`)
    return {
      from: names.indexOf(name),
      when: text.startsWith('!') ? 'failed' : text.startsWith('~') ? 'ended' : 'finished',
    }
  }
  const nodes = names.map((name, kind): NewNode => ({ kind, parents: (edges[name] ?? []).map(edgeOf) }))
  return { nodes, names }
}

let runs = 0

/**
 * A worker without processes: it takes steps off the queue through the real scripts, as one supervisor would, and ends
 * them as it is told.
 */
export class StepDriver {
  readonly store: Store
  readonly supervisor: string
  readonly worker: string
  #jobs = 0

  constructor(redis: TestRedis, name = 'driver', namespace = 'test') {
    this.store = testStore(redis, namespace)
    this.supervisor = name
    this.worker = `host:1${name}:work`
  }

  async register(): Promise<this> {
    await this.store.supervisors.register(this.supervisor, [this.worker], {}, 600_000)
    return this
  }

  /** Creates a run of a sketch. @returns its id and the name of each node */
  async create(
    edges: Sketch,
    options: { unique?: string; wait?: Record<string, number>; queue?: Record<string, string>; ttlMs?: number } = {},
  ): Promise<{ id: string; names: string[] }> {
    const { nodes, names } = sketch(edges)
    runs += 1
    // Sorts by age, as real ids do: runs of one millisecond are listed in this order.
    const id = `run${String(runs).padStart(4, '0')}`
    const waitOf = (name: string): { wait?: number } => (options.wait?.[name] ? { wait: options.wait[name] } : {})
    const queueOf = (name: string): string => options.queue?.[name] ?? 'work'
    const kinds = names.map((name) => ({ class: name, queue: queueOf(name), ...waitOf(name) }))
    await this.store.runs.create(
      { id, className: 'TestFlow', kinds, nodes, ttlMs: options.ttlMs ?? 60_000, unique: options.unique },
      Date.now(),
    )
    return { id, names }
  }

  /** Takes the next step and marks it running. Undefined when the queue is empty; dropped steps are settled and passed over. */
  async take(): Promise<Taken | undefined> {
    for (;;) {
      this.#jobs += 1
      const reply = await reserveOne(
        this.store,
        this.supervisor,
        this.worker,
        ['work'],
        `${this.supervisor}-${this.#jobs}`,
        Date.now(),
      )
      if (reply.kind !== 'job') return undefined
      const { id, delivery, item, attempt } = reply.job
      const [run = '', index = '', className = ''] = (JSON.parse(item) as { args: string[] }).args
      const job = { id, delivery, worker: this.worker }
      const begun = await this.store.runs.begin(run, Number(index), id, attempt, Date.now())
      if (begun !== 'gone' && begun !== 'busy') return { run, index: Number(index), className, job, begun }
      await this.store.supervisors.settle(this.supervisor, job, Date.now(), 100, { state: 'discarded', ttlMs: 1000 })
    }
  }

  /** Ends a step. */
  async end(
    taken: Taken,
    state: 'done' | 'failed' | 'cancelled' = 'done',
    step: { output?: string; extra?: string } = {},
  ): Promise<boolean> {
    const given =
      state === 'failed' ? { extra: JSON.stringify({ error: '{"name":"Error","message":"boom"}' }), ...step } : step
    return this.store.supervisors.settle(this.supervisor, taken.job, Date.now(), 100, {
      state,
      ttlMs: 1000,
      step: given,
    })
  }

  /** Runs steps until the queue is empty; `failing` names fail. @returns names in the order they ran */
  async drain(failing: readonly string[] = []): Promise<string[]> {
    const ran: string[] = []
    for (;;) {
      await this.store.runs.advance(Date.now())
      const taken = await this.take()
      if (!taken) return ran
      ran.push(taken.className)
      await this.end(taken, failing.includes(taken.className) ? 'failed' : 'done')
    }
  }

  /** State of every node by name, and the run's own. */
  async states(id: string, names: readonly string[]): Promise<Record<string, string>> {
    const run = await this.store.runs.read.find(id)
    const rows = await this.store.runs.read.nodes(id, 0, run?.total ?? 0)
    return {
      run: run?.status ?? 'gone',
      ...Object.fromEntries(rows.map((row) => [names[row.index] ?? row.index, row.state])),
    }
  }

  close(): void {
    this.store.close()
  }
}

/** A step under way. */
export interface Taken {
  run: string
  index: number
  className: string
  job: { id: string; delivery: string; worker: string }
  begun: Exclude<Awaited<ReturnType<Store['runs']['begin']>>, string>
}
