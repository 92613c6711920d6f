import type { RunReader } from '../../store/runs/run-reader.ts'

/** Ancestors of a node, nearest first: its parents, then theirs … Each node comes once, at its nearest. */
export async function* ancestorLevels(reader: RunReader, runId: string, index: number): AsyncGenerator<number[]> {
  const seen = new Set([index])
  let level = [index]
  while (level.length > 0) {
    const rows = await reader.nodesAt(runId, level)
    const edges = await Promise.all(rows.map((row) => reader.parents(runId, row)))
    level = [...new Set(edges.flat().map((edge) => edge.from))].filter((from) => !seen.has(from))
    for (const from of level) seen.add(from)
    if (level.length > 0) yield level
  }
}
