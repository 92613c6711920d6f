import type { InheritedSockets } from './descriptors.ts'
import { close } from './libc.ts'
import type { ZygoteLoop } from './loop.ts'

/** What a child finds of the zygote's and must not keep. */
export class Belongings {
  readonly #control: number
  readonly #loop: ZygoteLoop
  readonly #sockets: InheritedSockets

  constructor(control: number, loop: ZygoteLoop, sockets: InheritedSockets) {
    this.#control = control
    this.#loop = loop
    this.#sockets = sockets
  }

  /** Closes or replaces the control socket, what the loop watches, and the sockets of the application. */
  letGo(): void {
    close(this.#control)
    this.#loop.forget()
    this.#sockets.disconnect()
  }
}
