import { machine } from '../../config/machine.ts'
import { ChildCommand, type ChildCommandOptions } from '../child-command.ts'

/** Keeps one command running over changes of the application; one that ended waits for the next change. */
export class ChildRunner {
  readonly #options: Omit<ChildCommandOptions, 'onLine'>
  readonly #say: (line: string) => void
  #child: ChildCommand | undefined
  #stopped = false

  /** @param say prints a line of the command, or about it */
  constructor(options: Omit<ChildCommandOptions, 'onLine'>, say: (line: string) => void) {
    this.#options = options
    this.#say = say
  }

  /** Starts it, unless it runs. */
  start(): void {
    if (this.#child || this.#stopped) return
    const child = new ChildCommand({ ...this.#options, onLine: this.#say })
    this.#child = child
    void child.exited.then((how) => {
      if (this.#child !== child) return
      this.#child = undefined
      if (!this.#stopped) this.#say(`ended (${how}); starts again when a file changes`)
    })
  }

  /** Has it load the application anew, without a gap; starts it when it had ended. */
  reload(): void {
    // Windows has no such signal: it would end the command.
    if (machine.os() === 'win32') void this.restart()
    else if (this.#child) this.#child.kill('SIGHUP')
    else this.start()
  }

  /** Ends it and starts another, for what is only read at the start. */
  async restart(): Promise<void> {
    await this.#end()
    this.start()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#end()
  }

  async #end(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    await child?.stop()
  }
}
