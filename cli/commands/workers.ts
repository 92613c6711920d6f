import { command } from '../command.ts'
import { clip, json, table } from '../output.ts'

/** `runtime workers`: who works, of every kind that is registered in this Redis. */
export const workersCommand = command({
  command: 'workers',
  describe: 'Workers and what each is doing, Ruby ones included',
  example: ['workers --json', 'for machines'],
  run: async ({ store, json: asJson }) => {
    const workers = await store.workers.list()
    if (asJson)
      return json(
        workers.map((worker) => ({
          ...worker,
          working: worker.working === undefined ? undefined : (JSON.parse(worker.working) as unknown),
        })),
      )
    const rows = workers.map(({ host, pid, queues, heartbeat, working, processed, failed }) => [
      host,
      pid,
      queues.join(','),
      heartbeat ?? '-',
      working === undefined ? 'waiting' : clip(working, 60),
      processed,
      failed,
    ])
    table(['host', 'pid', 'queues', 'heartbeat', 'doing', 'processed', 'failed'], rows)
  },
})
