// This runtime as a producer. Its worker is `runtime work`.
import { chain, configure, enqueue, enqueueBulk, enqueueIn, group, task, workflow } from 'resque-runtime'
import { Note, Stay, Step } from '../app/src/jobs/compared.js'
import { produce } from './produce.mjs'

configure({ redis: { url: process.env.BENCH_URL } })
const args = ({ mark, payload }) => [mark, payload]

await produce({
  add: (job) =>
    job.delayMs === undefined
      ? enqueue(job.kind === 'stay' ? Stay : Note, ...args(job))
      : enqueueIn(`${job.delayMs}ms`, Note, ...args(job)),
  addMany: (jobs) => enqueueBulk(jobs[0].kind === 'stay' ? Stay : Note, jobs.map(args)),
  addFlow: (steps) =>
    workflow(
      chain(group(...Array.from({ length: steps }, () => task(Step, { mark: 'step' }))), task(Step, { mark: 'last' })),
      { queue: 'bench' },
    ).run(),
})
