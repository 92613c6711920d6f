// Graphile Worker: `graphile-worker.mjs produce`, or `graphile-worker.mjs work inline CONCURRENCY`.
import { makeWorkerUtils, run } from 'graphile-worker'
import { note, stay } from '../programs/note.mjs'
import { produce } from '../programs/produce.mjs'

const [role, , concurrency] = process.argv.slice(2)
const connectionString = process.env.BENCH_URL

if (role === 'work') {
  await run({
    preset: {
      worker: {
        connectionString,
        concurrentJobs: Number(concurrency),
        maxPoolSize: Number(concurrency) + 2,
        pollInterval: 500,
        // As https://worker.graphile.org/docs/performance has them.
        localQueue: { size: 500 },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
    taskList: { note: ({ mark }) => note(mark), stay },
  })
} else {
  const utils = await makeWorkerUtils({ connectionString })
  await utils.migrate()
  const args = ({ kind, mark, payload }) => ({ identifier: kind, payload: { mark, payload } })
  await produce({
    add: (job) =>
      utils.addJob(
        job.kind,
        args(job).payload,
        job.delayMs === undefined ? {} : { runAt: new Date(Date.now() + job.delayMs) },
      ),
    addMany: (jobs) => utils.addJobs(jobs.map(args)),
  })
}
