import type { Assignment, ChildMessage, ParentMessage } from '../../protocol.ts'
import type { Ending, Launched, Launcher } from '../launcher.ts'
import type { ForkedRun } from './forked-run.ts'

/** Decides who runs a job whose forked process never said `started`; undefined when nobody shall. */
export type Rescue = (ending: Ending) => Promise<Launcher | undefined>

/**
 * A forked job that goes elsewhere, unharmed, when its process never became one. To its owner it is one job all along:
 * the pid changes, nothing else is seen.
 */
export class RescuedRun implements Launched {
  readonly ended: Promise<Ending>
  readonly #forked: ForkedRun
  readonly #assignment: Assignment
  readonly #onMessage: (message: ChildMessage) => void
  #second: Launched | undefined
  #wasKilled = false

  constructor(forked: ForkedRun, assignment: Assignment, onMessage: (message: ChildMessage) => void, rescue: Rescue) {
    this.#forked = forked
    this.#assignment = assignment
    this.#onMessage = onMessage
    this.ended = this.#see(rescue)
  }

  get pid(): number | undefined {
    return this.#second ? this.#second.pid : this.#forked.pid
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#wasKilled = true
    if (this.#second) this.#second.kill(signal)
    else this.#forked.kill(signal)
  }

  send(message: ParentMessage): void {
    if (this.#second) this.#second.send(message)
    else this.#forked.send(message)
  }

  async #see(rescue: Rescue): Promise<Ending> {
    const ending = await this.#forked.ended
    // Who killed it does not want it to run.
    if (ending.started || this.#wasKilled) return ending
    const launcher = await rescue(ending).catch(() => undefined)
    if (!launcher || this.#wasKilled) return ending
    this.#second = launcher.launch(this.#assignment, this.#onMessage)
    return this.#second.ended
  }
}
