import { openDescriptors } from './descriptors.ts'
import { O_CLOEXEC, O_WRONLY, close, closeFrom, dup3, duplicateFrom, openFile } from './libc.ts'

const NOWHERE = Buffer.from('/dev/null\0')

/** No process has as many: before the start nothing is closed. */
export const BEYOND_ALL = 0x7fffffff

/**
 * Descriptors that the zygote opens while it works: its lines, and one for each child to wait on. They lie above all
 * others, so that a child closes them in one call, however many there are.
 */
export class LateDescriptors {
  /** Kept for the one that a child keeps. */
  readonly #kept = openFile(NOWHERE, O_WRONLY | O_CLOEXEC)
  #first = BEYOND_ALL

  /** When the application has opened all that it will. */
  start(): void {
    this.#first = Math.max(2, ...openDescriptors().keys()) + 1
  }

  /** Moves a new one up; a failure (negative) stays one. */
  raise(fd: number): number {
    if (fd < 0) return fd
    const raised = duplicateFrom(fd, this.#first)
    close(fd)
    return raised
  }

  /** In a child: closes all but this one, which is given another number. */
  keepOnly(fd: number): number {
    dup3(fd, this.#kept, O_CLOEXEC)
    closeFrom(this.#first)
    return this.#kept
  }
}
