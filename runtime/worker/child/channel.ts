import type { JobLoop } from './job-loop.ts'
import type { ChildMessage, ParentMessage } from '../../wire.ts'

/** A job's line to its supervisor. */
export interface Channel {
  send(message: ChildMessage): void
  /** At most one listener; messages that came before it are kept for it. */
  onMessage(listener: (message: ParentMessage) => void): void
  /** Where the process is the job's own. */
  readonly loop?: JobLoop
}
