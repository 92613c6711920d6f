import type { ErrorRecord } from '../../wire.ts'

/** Resque's words for a class that is not there (a NameError), with what to do. */
export function unknownClass(name: string): ErrorRecord {
  return {
    name: 'NameError',
    message: `uninitialized constant ${name}: no job of this name is exported under the jobs folders`,
    backtrace: [],
  }
}
