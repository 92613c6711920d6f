// Workflows in a chaos run: a diamond each, whose steps leave a line when they begin and when they end.
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '../../runtime/core/ids.ts'
import type { Store } from '../../runtime/store/store.ts'

const FIRST = 0
const EACH_ROW = 1

/** The diamonds that were started: one step, so many after it, one after all of those. */
export class Flows {
  readonly #store: Store
  readonly #started: { id: string; rows: number }[] = []

  constructor(store: Store) {
    this.#store = store
  }

  get count(): number {
    return this.#started.length
  }

  /** A run every half second, of up to thirty steps, until a time in ms. What was told to have started must not stick. */
  async produce(random: () => number, until: number): Promise<void> {
    while (Date.now() < until) {
      // One that was refused, since Redis is away, may run all the same.
      await this.#start(1 + Math.floor(random() * 28), Math.floor(random() * 30)).catch(() => undefined)
      await sleep(random() * 1000)
    }
  }

  async #start(rows: number, ms: number): Promise<void> {
    const id = newId()
    const last = rows + 1
    const node = (place: number, parents: number[]) => ({
      kind: place === FIRST || place === last ? FIRST : EACH_ROW,
      parents: parents.map((from) => ({ from, when: 'finished' as const })),
      params: JSON.stringify({ run: id, node: place, ms }),
    })
    const places = Array.from({ length: rows }, (_, i) => i + 1)
    const nodes = [node(FIRST, []), ...places.map((place) => node(place, [FIRST])), node(last, places)]
    const kinds = ['q', 'p'].map((queue) => ({ class: 'CountedStep', queue }))
    await this.#store.runs.create({ id, className: 'ChaosFlow', kinds, nodes, ttlMs: 86_400_000 }, Date.now())
    await this.#store.runs.start(id, Date.now())
    this.#started.push({ id, rows })
  }

  /** True when no run is under way any more. */
  async haveEnded(): Promise<boolean> {
    return (await this.#store.runs.read.count({ status: 'running' })).count === 0
  }

  /** How many deliveries of steps could end, by the tables of all runs. */
  async attempts(runIds: readonly string[]): Promise<number> {
    let sum = 0
    for (const id of runIds) {
      const total = (await this.#store.runs.read.find(id))?.total ?? 0
      for (const { attempts } of await this.#store.runs.read.nodes(id, 0, total)) sum += attempts
    }
    return sum
  }

  /** Every run ended, and no step began before all that it waits for had ended. */
  async broken(lines: readonly string[][]): Promise<string[]> {
    const broken: string[] = []
    for (const { id, rows } of this.#started) {
      const run = await this.#store.runs.read.find(id)
      if (run?.status !== 'finished') broken.push(`run ${id} is ${run?.status}: ${JSON.stringify(run)}`)
      const own = lines.filter(([, of]) => of === id)
      const ended = new Set<number>()
      for (const [what, , text] of own) {
        const place = Number(text)
        if (what === 'end-step') ended.add(place)
        const needs = place === FIRST ? 0 : place === rows + 1 ? rows + 1 : 1
        if (what === 'begin-step' && (ended.size < needs || (needs > 0 && !ended.has(FIRST))))
          broken.push(`run ${id}: step ${place} began after ${ended.size} of the ${needs} steps that it waits for`)
      }
      if (ended.size !== rows + 2) broken.push(`run ${id}: ${ended.size} of ${rows + 2} steps ended`)
    }
    return broken
  }
}
