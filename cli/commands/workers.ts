import { relative } from '../../runtime/core/duration.ts'
import { silentForMs, type WorkerInfo } from '../../runtime/store/workers/workers.ts'
import { command } from '../command.ts'
import { clip, json } from '../output.ts'
import { table } from '../table.ts'

/** `runtime workers`: who works, of every kind that is registered in this Redis. */
export const workersCommand = command({
  shows: true,
  example: ['workers --json', 'as JSON'],
  run: async ({ store, json: asJson }) => {
    const workers = await store.workers.list()
    if (asJson)
      return json(
        workers.map((worker) => ({
          ...worker,
          working: worker.working === undefined ? undefined : (JSON.parse(worker.working) as unknown),
        })),
      )
    const rows = workers.map((worker) => {
      const { name = '-', host, pid, queues, heartbeat, processed, failed } = worker
      return [name, host, pid, queues.join(','), heartbeat ?? '-', doing(worker, Date.now()), processed, failed]
    })
    table(['name', 'host', 'pid', 'queues', 'heartbeat', 'doing', 'processed', 'failed'], rows)
  },
})

function doing(worker: WorkerInfo, nowMs: number): string {
  const job = worker.working === undefined ? 'waiting' : clip(worker.working, 60)
  const silentMs = silentForMs(worker, nowMs)
  return silentMs === undefined ? job : `dead, last heartbeat ${relative(nowMs - silentMs, nowMs)}; was ${job}`
}
