// BullMQ: `bullmq.mjs produce`, or `bullmq.mjs work inline|reused CONCURRENCY`.
import { fileURLToPath } from 'node:url'
import { FlowProducer, Queue, Worker } from 'bullmq'
import processJob from './bullmq-processor.mjs'
import { produce } from './produce.mjs'

const connection = { path: process.env.BENCH_URL.replace('unix://', ''), maxRetriesPerRequest: null }
const [role, mode, concurrency] = process.argv.slice(2)

if (role === 'work') {
  const sandbox = fileURLToPath(new URL('./bullmq-processor.mjs', import.meta.url))
  const worker = new Worker('bench', mode === 'reused' ? sandbox : processJob, {
    connection,
    concurrency: Number(concurrency),
  })
  worker.on('error', console.error)
} else {
  const queue = new Queue('bench', { connection })
  const flows = new FlowProducer({ connection })
  await queue.waitUntilReady()
  const args = ({ kind, mark, payload, delayMs }) => ({ name: kind, data: { mark, payload }, opts: { delay: delayMs } })
  const flowJob = (mark) => ({ name: 'note', queueName: 'bench', data: { mark } })
  await produce({
    add: (job) => queue.add(job.kind, args(job).data, args(job).opts),
    addMany: (jobs) => queue.addBulk(jobs.map(args)),
    addFlow: (steps) =>
      flows.add({ ...flowJob('last'), children: Array.from({ length: steps }, () => flowJob('step')) }),
  })
}
