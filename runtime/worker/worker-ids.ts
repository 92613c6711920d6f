import { hostname } from 'node:os'
import { queueListName } from '../store/queues/queue-list.ts'

/**
 * Resque's worker ids, `host:pid:queues`, one a slot. Further slots have `host+2`, `host+3` …: another host part keeps
 * a Ruby worker on this machine, which looks for pids in `ps`, from taking them for dead; and ids must differ.
 */
export function workerIds(queues: readonly string[], slots: number, host = hostname(), pid = process.pid): string[] {
  const safeHost = host.replaceAll(':', '-')
  return Array.from(
    { length: slots },
    (_, i) => `${safeHost}${i === 0 ? '' : `+${i + 1}`}:${pid}:${queueListName(queues)}`,
  )
}
