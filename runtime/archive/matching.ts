import { isDeepStrictEqual } from 'node:util'
import { meanings, type ArchiveQuery, type ArgMatch, type ClassStats, type Spread } from './archive.ts'
import type { ArchiveRecord } from './record.ts'

/** True when a record is what a query asks for; the Redis archive's search. */
export function matches(record: ArchiveRecord, query: ArchiveQuery): boolean {
  const { sinceMs = -Infinity, untilMs = Infinity, args = [] } = query
  return (
    (query.class === undefined || record.class === query.class) &&
    (query.kind === undefined || record.kind === query.kind) &&
    (query.outcome === undefined || record.outcome === query.outcome) &&
    (query.queue === undefined || record.queue === query.queue) &&
    (query.cause === undefined || record.cause === query.cause) &&
    (query.runId === undefined || record.runId === query.runId) &&
    (query.node === undefined || record.details.node === query.node) &&
    record.endedAtMs >= sinceMs &&
    record.endedAtMs < untilMs &&
    (args.length === 0 || (record.args !== undefined && hasArgs(JSON.parse(record.args) as unknown[], args)))
  )
}

function hasArgs(given: readonly unknown[], wanted: readonly ArgMatch[]): boolean {
  return wanted.every((match) => {
    const values = meanings(match)
    const same = (value: unknown): boolean => values.some((meant) => isDeepStrictEqual(value, meant))
    if (/^\d+$/.test(match.name)) return same(given[Number(match.name)])
    return given.some(
      (arg) =>
        typeof arg === 'object' && arg !== null && Object.hasOwn(arg, match.name) && same((arg as never)[match.name]),
    )
  })
}

/** Statistics of records by class and kind. */
export function statsOf(records: Iterable<ArchiveRecord>): ClassStats[] {
  const groups = new Map<string, ArchiveRecord[]>()
  for (const record of records) {
    const key = `${record.kind}\n${record.class}`
    const group = groups.get(key)
    if (group) group.push(record)
    else groups.set(key, [record])
  }
  const stats = [...groups.values()].map((group): ClassStats => {
    const [{ class: name, kind } = { class: '?', kind: 'job' as const }] = group
    return {
      class: name,
      kind,
      count: group.length,
      failed: group.filter(({ outcome }) => outcome === 'failed').length,
      wait: spread(group.map(({ waitMs }) => waitMs)),
      run: spread(group.map(({ runMs }) => runMs)),
      cpu: spread(group.map(({ cpuMs }) => cpuMs)),
      peakRssBytes: spread(group.map(({ peakRssBytes }) => peakRssBytes)),
    }
  })
  return stats.sort((a, b) => b.count - a.count || (a.class < b.class ? -1 : 1))
}

function spread(values: readonly (number | undefined)[]): Spread {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b)
  // The nearest rank, as PostgreSQL's percentile_disc has it.
  const at = (share: number): number | undefined => known[Math.max(0, Math.ceil(share * known.length) - 1)]
  return { p50: at(0.5), p95: at(0.95) }
}
