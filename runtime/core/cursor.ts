import { RuntimeError } from './errors.ts'

/** The groups of `pattern` in the cursor of a page. @throws RuntimeError ERR_ARGUMENT for a cursor that no page has given */
export function cursorParts(cursor: string, pattern: RegExp): string[] {
  const match = pattern.exec(cursor)
  if (match) return match.slice(1)
  throw new RuntimeError(
    'ERR_ARGUMENT',
    `cursor: expected the "next" of the page before, which a command prints as --after, got ${JSON.stringify(cursor)}`,
  )
}
