import type { Assignment, ChildMessage, ParentMessage } from '../../../messages.ts'
import type { Ending, LaunchedJob, Launcher } from '../launcher.ts'
import type { ForkedJob } from './forked-job.ts'

/** Decides who runs a job whose forked process never said `started`; undefined when none is to run it. */
export type ChooseLauncher = (ending: Ending, job: ForkedJob | undefined) => Promise<Launcher | undefined>

/**
 * A forked job that goes elsewhere, unharmed, when its process never became one. To its owner it is one job all along:
 * the pid changes, nothing else is seen.
 */
export class RelaunchedJob implements LaunchedJob {
  readonly ended: Promise<Ending>
  readonly #assignment: Assignment
  readonly #onMessage: (message: ChildMessage) => void
  /** Undefined until there is a zygote to fork it. */
  #forked: ForkedJob | undefined
  #second: LaunchedJob | undefined
  #killedBy: 'SIGTERM' | 'SIGKILL' | undefined
  readonly #early: ParentMessage[] = []

  /** @param forked undefined, or nothing in the end, where no process can be forked */
  constructor(
    forked: ForkedJob | undefined | Promise<ForkedJob | undefined>,
    assignment: Assignment,
    onMessage: (message: ChildMessage) => void,
    rescue: ChooseLauncher,
  ) {
    this.#assignment = assignment
    this.#onMessage = onMessage
    this.#forked = forked instanceof Promise ? undefined : forked
    this.ended = this.#see(forked, rescue)
  }

  get pid(): number | undefined {
    return (this.#second ?? this.#forked)?.pid
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#killedBy = signal
    const process = this.#second ?? this.#forked
    process?.kill(signal)
  }

  send(message: ParentMessage): void {
    const process = this.#second ?? this.#forked
    if (process) process.send(message)
    else this.#early.push(message)
  }

  async #see(forked: ForkedJob | undefined | Promise<ForkedJob | undefined>, rescue: ChooseLauncher): Promise<Ending> {
    this.#forked = await forked
    for (const message of this.#early.splice(0)) this.#forked?.send(message)
    if (this.#killedBy) this.#forked?.kill(this.#killedBy)
    const ending = (await this.#forked?.ended) ?? neverForked
    // Who killed it does not want it to run.
    if (ending.started || this.#killedBy) return ending
    const launcher = await rescue(ending, this.#forked).catch(() => undefined)
    if (!launcher || this.#killedBy) return ending
    this.#second = launcher.launch(this.#assignment, this.#onMessage)
    return this.#second.ended
  }
}

const neverForked: Ending = { pid: undefined, exitCode: null, signal: 'SIGKILL', started: false, output: [] }
