import type { ChildMessage, ParentMessage } from '../../messages.ts'

/** `code` of the error of a job that waited for what cannot come. */
export const NEVER_SETTLED = 'ERR_NEVER_SETTLED'

/** A promise that nothing in the job's process can settle any more. */
class NeverSettledError extends Error {
  override name = 'NeverSettledError'
  readonly code = NEVER_SETTLED

  constructor() {
    super(
      'the job waits for a promise that nothing can settle: its process has no timer, socket, file operation or child process left to wait for; look for a callback or event that never comes, or a stream that is not read',
    )
    this.stack = `${this.name}: ${this.message}` // its frames would be those of this file
  }
}

/**
 * The event loop of a process that runs a job. Node leaves with code 13 when it is empty and a promise is open; a job
 * fails with that reason instead. What does not keep Node alive (an unref'd timer, a signal handler) does not keep a job.
 */
export class JobEventLoop {
  readonly #hold: (on: boolean) => void
  #onEmpty: (() => void) | undefined

  /** @param hold keeps the loop from being empty, or no longer */
  constructor(hold: (on: boolean) => void) {
    this.#hold = hold
    process.on('beforeExit', () => this.#onEmpty?.())
  }

  /**
   * Waits for `work` as long as something can settle it.
   * @param mayHear whether it waits for the supervisor, which does not show in the loop
   * @throws what `work` throws; an Error with the code ERR_NEVER_SETTLED
   */
  settle<T>(work: () => Promise<T>, mayHear: () => boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#onEmpty = () => {
        this.#hold(true)
        // Node looks at the loop once more after this event: by then a hook that waits in vain may have emptied it again.
        if (!mayHear()) setImmediate(() => reject(new NeverSettledError()))
      }
      this.#hold(false)
      work().then(resolve, reject)
    }).finally(() => {
      this.#onEmpty = undefined
      this.#hold(true)
    })
  }

  /** Reads the state of the event loop as it is while a job runs, when none does. */
  released<T>(read: () => T): T {
    this.#hold(false)
    try {
      return read()
    } finally {
      this.#hold(true)
    }
  }

  /** The supervisor was heard: what waited for it goes on, or is stuck now. */
  heard(): void {
    if (this.#onEmpty) this.#hold(false)
  }
}

/** A job's line to its supervisor. */
export interface Channel {
  send(message: ChildMessage): void
  /** At most one listener; messages that came before it are kept for it. */
  onMessage(listener: (message: ParentMessage) => void): void
  /** Whether the supervisor has read all that this process has printed; absent where that cannot be known. */
  isOutputRead?(): boolean
  /** Where the process is the job's own. */
  readonly loop?: JobEventLoop
}
