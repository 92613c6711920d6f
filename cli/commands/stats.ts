import { command } from '../command.ts'
import { json } from '../output.ts'
import { table } from '../table.ts'

/** `runtime stats`: Resque's own figures, and how much waits. */
export const statsCommand = command({
  example: ['stats', ''],
  run: async ({ store, json: asJson }) => {
    const [{ processed, failed }, sizes, failures, workers] = await Promise.all([
      store.workers.stats(),
      store.queues.sizes(),
      store.failures.count(),
      store.workers.list(),
    ])
    const pending = [...sizes.values()].reduce((sum, size) => sum + size, 0)
    const stats = {
      pending,
      processed,
      failed,
      failures,
      queues: sizes.size,
      workers: workers.length,
      working: workers.filter((worker) => worker.working !== undefined).length,
    }
    if (asJson) return json(stats)
    table(['figure', 'value'], Object.entries(stats))
  },
})
