import { collectDefaultMetrics, Counter, Gauge, type Registry } from 'prom-client'
import type { Channel } from 'node:diagnostics_channel'
import { channels } from '../core/channels.ts'
import type { JobEnd } from '../messages.ts'
import { OTHER } from './tally.ts'

type Kind = 'worker' | 'scheduler' | 'web'

/** What one process tells of itself at a scrape; what belongs to the other kind is left out. */
export interface ProcessFacts {
  /** Milliseconds of a round trip to Redis; undefined when it gave no answer. */
  redisMs?: number | undefined
  /** Slots of a worker. */
  total?: number
  busy?: number
  /** Why jobs are not forked though they should be; absent when they are. */
  fallback?: string | undefined
  /** The scheduler leads. */
  leads?: boolean
}

/** What {@link channels} tell: the metric, its help, and the processes that have it. */
const happenings: readonly (readonly [name: string, help: string, published: Channel, kinds: readonly Kind[]])[] = [
  ['resque_runtime_worker_lease_losses_total', 'Leases that this worker lost', channels.leaseLosses, ['worker']],
  [
    'resque_runtime_worker_zygote_restarts_total',
    'Zygotes that died and were replaced',
    channels.zygoteRestarts,
    ['worker'],
  ],
  [
    'resque_runtime_redeliveries_total',
    'Jobs of dead workers that this process put back',
    channels.redeliveries,
    ['worker', 'scheduler'],
  ],
]

/** Classes that have a label of their own in one process. */
const maxClasses = 100

/** The metrics of this process, and Node's own (`process_*`, `nodejs_*`). */
export class ProcessMetrics {
  readonly #jobs: Counter
  readonly #classes = new Set<string>()

  constructor(registry: Registry, kind: Kind, facts: () => Promise<ProcessFacts>) {
    collectDefaultMetrics({ register: registry })
    const registers = [registry]
    for (const [name, help, published, kinds] of happenings) {
      if (!kinds.includes(kind)) continue
      const counter = new Counter({ name, help, registers })
      published.subscribe((count) => counter.inc(count as number))
    }
    this.#jobs = new Counter({
      name: 'resque_runtime_worker_jobs_total',
      help: 'Attempts that ended in this worker, by queue, class, outcome and cause',
      labelNames: ['queue', 'class', 'outcome', 'cause'],
      registers,
    })
    const gauge = (
      name: string,
      help: string,
      labelNames: string[],
      set: (gauge: Gauge, now: ProcessFacts) => void,
    ): void => {
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
    gauge('resque_up', '1 when Redis answers this process', [], (up, { redisMs }) =>
      up.set(redisMs === undefined ? 0 : 1),
    )
    gauge('resque_runtime_redis_round_trip_seconds', 'A round trip to Redis', [], (time, { redisMs }) =>
      time.set(redisMs === undefined ? NaN : redisMs / 1000),
    )
    if (kind === 'scheduler') {
      gauge('resque_runtime_scheduler_leads', '1 while this scheduler leads', [], (gauge, { leads = false }) =>
        gauge.set(leads ? 1 : 0),
      )
      return
    }
    if (kind === 'web') return
    gauge('resque_runtime_worker_slots', 'Slots of this worker', ['state'], (slots, { total = 0, busy = 0 }) => {
      slots.set({ state: 'busy' }, busy)
      slots.set({ state: 'free' }, total - busy)
    })
    gauge('resque_runtime_worker_fallback', '1 while this worker spawns jobs that it should fork', [], (gauge, facts) =>
      gauge.set(facts.fallback === undefined ? 0 : 1),
    )
  }

  /** Counts an end. Beyond a hundred classes the label is `other`. */
  ended({ queue, className, outcome, cause }: JobEnd): void {
    const isKnown = this.#classes.has(className) || this.#classes.size < maxClasses
    if (isKnown) this.#classes.add(className)
    this.#jobs.inc({ queue, class: isKnown ? className : OTHER, outcome, cause })
  }
}
