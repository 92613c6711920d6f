import type { Graph } from '../runtime/workflow/graph/graph.ts'

/** Parents of node `i` of `n`. Random edges come from a fixed generator, so that every run measures the same graph. */
export const shapes: Record<string, (n: number) => (i: number) => number[]> = {
  'fan-in': (n) => (i) => (i === n - 1 ? Array.from({ length: n - 1 }, (_, j) => j) : []),
  chain: () => (i) => (i === 0 ? [] : [i - 1]),
  // Rows of ten; each node hangs on two neighbours of the row before.
  lattice: () => (i) => (i < 10 ? [] : [i - 10, i % 10 === 9 ? i - 19 : i - 9]),
  random: () => {
    let seed = 42
    const next = (): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31
    return (i) =>
      i === 0
        ? []
        : [
            ...new Set(
              Array.from({ length: Math.floor(next() * 4) }, () => Math.max(0, i - 1 - Math.floor(next() * 1000))),
            ),
          ]
  },
}

/** A graph of `n` no-op jobs. */
export const graphOf = (shape: string, n: number): Graph => {
  const parents = (shapes[shape] as (n: number) => (i: number) => number[])(n)
  return {
    nodes: Array.from({ length: n }, (_, i) => ({
      className: 'NoopStep',
      queue: 'bench',
      parents: parents(i).map((from) => ({ from, when: 'finished' as const })),
    })),
  }
}
