import type { Measure } from '../measure.ts'
import { enqueue } from './enqueue.ts'
import { latencies } from './latency.ts'
import { throughputs } from './throughput.ts'
import { workerCosts } from './worker.ts'
import { workflows } from './workflow.ts'

export const measures: readonly Measure[] = [...throughputs, enqueue, ...latencies, ...workflows, ...workerCosts]
