import { collectDefaultMetrics, Counter, Gauge, type Registry } from 'prom-client'
import type { JobEnd } from '../wire.ts'
import { OTHER } from './tally.ts'

/** What one process tells of itself at a scrape; what does not belong to its kind is left out. */
export interface ProcessFacts {
  /** Milliseconds of a round trip to Redis; undefined when it gave no answer. */
  redisMs?: number | undefined
  slots?: { total: number; busy: number }
  /** Why jobs are not forked though they should be; absent when they are. */
  fallback?: string | undefined
  /** The scheduler leads. */
  leads?: boolean
}

/** Classes that have a label of their own in one process. */
const maxClasses = 100

/** The metrics of this process, and Node's own (`process_*`, `nodejs_*`). */
export class ProcessMetrics {
  readonly #jobs: Counter
  readonly #leasesLost: Counter
  readonly #classes = new Set<string>()

  constructor(registry: Registry, facts: () => Promise<ProcessFacts>) {
    collectDefaultMetrics({ register: registry })
    const registers = [registry]
    this.#jobs = new Counter({
      name: 'resque_runtime_worker_jobs_total',
      help: 'Attempts that ended in this worker, by queue, class, outcome and cause',
      labelNames: ['queue', 'class', 'outcome', 'cause'],
      registers,
    })
    this.#leasesLost = new Counter({
      name: 'resque_runtime_worker_leases_lost_total',
      help: 'How often this worker lost its lease',
      registers,
    })
    const gauge = (name: string, help: string, labelNames: string[], set: (gauge: Gauge, now: ProcessFacts) => void): void => {
      new Gauge({
        name,
        help,
        labelNames,
        registers,
        async collect() {
          this.reset()
          set(this, await facts())
        },
      })
    }
    gauge('resque_up', '1 when Redis answers this process', [], (up, { redisMs }) => up.set(redisMs === undefined ? 0 : 1))
    gauge('resque_runtime_redis_round_trip_seconds', 'A round trip to Redis', [], (time, { redisMs }) =>
      time.set(redisMs === undefined ? NaN : redisMs / 1000),
    )
    gauge('resque_runtime_worker_slots', 'Slots of this worker', ['state'], (slots, facts) => {
      if (!facts.slots) return
      slots.set({ state: 'busy' }, facts.slots.busy)
      slots.set({ state: 'free' }, facts.slots.total - facts.slots.busy)
    })
    gauge('resque_runtime_worker_fallback', '1 while this worker spawns jobs that it should fork', [], (gauge, facts) => {
      if (facts.slots) gauge.set(facts.fallback === undefined ? 0 : 1)
    })
    gauge('resque_runtime_scheduler_leads', '1 while this scheduler leads', [], (gauge, { leads }) => {
      if (leads !== undefined) gauge.set(leads ? 1 : 0)
    })
  }

  /** Counts an end. Beyond a hundred classes the label is `other`. */
  ended({ queue, className, outcome, cause }: JobEnd): void {
    const isKnown = this.#classes.has(className) || this.#classes.size < maxClasses
    if (isKnown) this.#classes.add(className)
    this.#jobs.inc({ queue, class: isKnown ? className : OTHER, outcome, cause })
  }

  /** Counts a lost lease. */
  leaseLost(): void {
    this.#leasesLost.inc()
  }
}
