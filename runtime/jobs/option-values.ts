import { duration, shown, type Duration } from '../core/duration.ts'
import { RuntimeError } from '../core/errors.ts'
import { bytes } from '../core/size.ts'

/** Less than a process needs to start: `'1'` is one byte, and most likely meant as a gigabyte. */
const leastMemoryBytes = 1024 ** 2

/** @throws RuntimeError ERR_ARGUMENT, always */
export function refuse(of: string, name: string, expected: string, got: unknown, advice = ''): never {
  throw new RuntimeError('ERR_ARGUMENT', `${name} of ${of}: expected ${expected}, got ${shown(got)}${advice}`)
}

/** Milliseconds, at least one. */
export function period(given: Duration, of: string, name: string, advice = ''): number {
  const ms = duration(given, `${name} of ${of}`)
  return ms < 1 ? refuse(of, name, `a millisecond or more${advice}`, given) : ms
}

/** As {@link period}, of an option that limits. */
export const limitMs = (given: Duration, of: string, name: string): number =>
  period(given, of, name, '; leave it out for no limit')

/** Bytes of memory. */
export function memory(given: number | string, of: string, name: string): number {
  const size = bytes(given, `${name} of ${of}`)
  return size < leastMemoryBytes ? refuse(of, name, "1mb or more, with a unit, such as '512mb'", given) : size
}

/** A check for a whole number within bounds. */
export const wholeNumber =
  (least: number, most: number) =>
  (given: number, of: string, name: string): number =>
    Number.isInteger(given) && given >= least && given <= most
      ? given
      : refuse(of, name, `a whole number from ${least} to ${most}`, given)

/** A check for one of a few words. */
export const oneOf =
  <const Word extends string>(words: readonly Word[]) =>
  (given: Word, of: string, name: string): Word =>
    words.includes(given) ? given : refuse(of, name, `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`, given)

/** Text that is not empty. */
export const queueName = (given: string, of: string, name: string): string =>
  typeof given === 'string' && given !== '' ? given : refuse(of, name, 'a name', given)

/** @throws RuntimeError ERR_ARGUMENT */
export function trueOrFalse(given: boolean, of: string, name: string): boolean {
  if (typeof given !== 'boolean') refuse(of, name, 'true or false', given)
  return given
}
