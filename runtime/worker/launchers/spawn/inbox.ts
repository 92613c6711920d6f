import { describeMemory } from '../../child/memory-figures.ts'
import { OpenResources } from '../../stack/waiting-for.ts'
import type { Assignment, ChildMessage, ParentMessage } from '../../../messages.ts'

/** What the supervisor sends to a spawned process. What comes between two jobs was for the one before, and is dropped. */
export class Inbox {
  readonly #send: (message: ChildMessage) => void
  readonly #resources = new OpenResources()
  #assign: ((assignment: Assignment) => void) | undefined
  /** An assignment that came before it was asked for. */
  #waiting: Assignment | undefined
  #listener: ((message: ParentMessage) => void) | undefined
  #early: ParentMessage[] = []
  #jobs = 0

  constructor(send: (message: ChildMessage) => void) {
    this.#send = send
  }

  /** Resolves with the next job. */
  assignment(): Promise<Assignment> {
    return new Promise((resolve) => {
      this.#assign = resolve
      if (this.#waiting) this.#begin(this.#waiting)
    })
  }

  /** See {@link Channel.onMessage}. */
  listen(listener: (message: ParentMessage) => void): void {
    this.#listener = listener
    for (const message of this.#early.splice(0)) listener(message)
  }

  take(message: ParentMessage): void {
    if (message.type === 'assignment') this.#begin(message.assignment)
    else if (message.type === 'where') void this.#answerWhere(message.withinMs)
    else if (message.type === 'figures' || message.type === 'snapshot') this.#send(describeMemory(message))
    else if (this.#listener) this.#listener(message)
    else this.#early.push(message)
  }

  #begin(assignment: Assignment): void {
    this.#waiting = this.#assign ? undefined : assignment
    this.#listener = undefined
    this.#early = []
    this.#jobs += 1
    this.#assign?.(assignment)
    this.#assign = undefined
  }

  async #answerWhere(withinMs: number): Promise<void> {
    const job = this.#jobs
    const found = await this.#resources.look(withinMs)
    if (job === this.#jobs) this.#send({ type: 'waiting', ...found })
  }
}
