/** The candidate nearest to a misspelt name, or undefined when none is near enough to be what was meant. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase(), bestDistance)
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** `; did you mean X?`, or nothing: to be appended to a message about an unknown name. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const guess = nearest(name, candidates)
  return guess === undefined ? '' : `; did you mean ${guess}?`
}

/** Letters to add, drop, change or swap with their neighbour (optimal string alignment); gives up at `limit`. */
function editDistance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) >= limit) return limit
  let before: number[] = []
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let line = 1; line <= from.length; line++) {
    const next = [line]
    for (let column = 1; column <= to.length; column++) {
      const change = at(row, column - 1) + (from[line - 1] === to[column - 1] ? 0 : 1)
      const isSwap = from[line - 1] === to[column - 2] && from[line - 2] === to[column - 1]
      const swap = isSwap ? at(before, column - 2) + 1 : Infinity
      next.push(Math.min(change, swap, at(row, column) + 1, at(next, column - 1) + 1))
    }
    if (Math.min(...next) >= limit && Math.min(...row) >= limit) return limit
    before = row
    row = next
  }
  return at(row, to.length)
}

const at = (row: readonly number[], column: number): number => row[column] ?? Infinity
