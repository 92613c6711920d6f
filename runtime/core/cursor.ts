import { RuntimeError } from './errors.ts'

/** Where a page of a list starts, and what bounds it. */
export interface PageBounds {
  /** `next` of the page before; absent: the first page. */
  cursor?: string | undefined
  count?: number
  /** After so long the page ends with what it has. */
  mostMs?: number
}

/** The groups of `pattern` in the cursor of a page. @throws RuntimeError ERR_ARGUMENT for a cursor that no page has given */
export function cursorParts(cursor: string, pattern: RegExp): string[] {
  const match = pattern.exec(cursor)
  if (match) return match.slice(1)
  throw new RuntimeError(
    'ERR_ARGUMENT',
    `cursor: expected the "next" of the page before, which a command prints as --after, got ${JSON.stringify(cursor)}`,
  )
}

/**
 * What is on as many pages as it takes to have `limit` of it; a last page may have more than that.
 * @param page reads one page, after the one whose `next` the cursor is: what is on it, and its `next`, undefined at the end
 */
export async function upTo<T>(
  limit: number,
  page: (cursor: string | undefined, count: number) => Promise<{ found: readonly T[]; next: string | undefined }>,
): Promise<T[]> {
  const all: T[] = []
  for (let cursor: string | undefined; all.length < limit;) {
    const { found, next } = await page(cursor, limit - all.length)
    all.push(...found)
    if (next === undefined) break
    cursor = next
  }
  return all
}

/**
 * True once the search for a page has taken `mostMs`: the page ends with what it has, and its cursor goes on. A page looks
 * at one batch at least, so that cursors always move.
 */
export function searchClock(mostMs = Infinity): () => boolean {
  const endsAt = performance.now() + mostMs
  return () => performance.now() >= endsAt
}
