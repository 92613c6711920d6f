import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import { Loop } from '../../core/loop.ts'
import type { RunTarget } from '../run/create-run.ts'
import { decidePending } from './requests.ts'

/** Who writes a request has it decided at once; this is for those who could not. */
const intervalMs = 15_000

/** Decides about run requests that somebody wrote and did not see through: a process that died, or a client that only writes. */
export function requestProcessor(target: RunTarget, { clock, log }: { clock: Clock; log: Logger }): Loop {
  const turn = async (): Promise<undefined> => {
    const decided = await decidePending(target)
    if (decided > 0) log.info(`decided about ${decided} pipeline run requests that were left pending`)
    return undefined
  }
  return new Loop({ name: 'request processor', clock, log, intervalMs, turn })
}
