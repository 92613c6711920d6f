/** The figures of a job's end in the order of the short form, and the parts of its time line behind them. */
const figures = ['wallMs', 'waitedMs', 'pid', 'exitCode', 'cpuUserMs', 'cpuSystemMs', 'peakRssBytes'] as const
const spans = ['reserve', 'fork', 'load', 'perform', 'settle'] as const
const known = new Set<string>([...figures, 'timelineMs'])

/**
 * The evidence of a job's end as its record and the archive keep it: where there is no more to tell than figures, these alone with
 * commas, a blank for one that is absent; else JSON. Redis keeps a record whose values have at most 64 bytes in half
 * the memory, and writes it in half the time.
 */
export function evidenceText(evidence: Readonly<Record<string, unknown>>): string {
  for (const name of Object.keys(evidence))
    if (!known.has(name) && evidence[name] !== undefined && evidence[name] !== null) return JSON.stringify(evidence)
  const timeline = (evidence.timelineMs ?? {}) as Partial<Record<string, number>>
  const values: unknown[] = figures.map((name) => evidence[name])
  for (const name of spans) values.push(timeline[name])
  return values.join(',')
}

/** The evidence as JSON of an object, from either form. */
export function evidenceJson(text: string): string {
  if (!/^[\d.,]+$/.test(text)) return text
  const values = text.split(',')
  const named = (names: readonly string[], from: number): [string, number][] =>
    names.flatMap((name, i) => (values[from + i] ? [[name, Number(values[from + i])]] : []))
  return JSON.stringify({
    ...Object.fromEntries(named(figures, 0)),
    timelineMs: Object.fromEntries(named(spans, figures.length)),
  })
}
