import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decode, type SourceMapMappings } from '@jridgewell/sourcemap-codec'
import { armsOf, type Arm } from './branches.ts'

/** What Node writes at the end of a process that has NODE_V8_COVERAGE in its environment. */
interface Report {
  result: { url: string; functions: { ranges: Range[] }[] }[]
  'source-map-cache'?: Record<string, SourceMap>
}

interface SourceMap {
  lineLengths: number[]
  data: { sources: string[]; mappings: string } | null
}

interface Range {
  startOffset: number
  endOffset: number
  count: number
}

/** An arm in a script as it was run: offsets of its code, and of a place before that, where its condition is. */
interface Place {
  file: string
  arm: Arm
  at: number
  conditionAt: number
}

/** Arms that ran, by source file, as `id`. */
export type Covered = Map<string, Set<string>>

/** Finds the arms of source files that processes ran, whether these loaded the sources or the build. */
export class Reports {
  readonly #root: string
  readonly #arms: ReadonlyMap<string, Arm[]>
  /** Scripts by url and lengths of lines: tsx and the build change the text, and so the offsets. */
  readonly #scripts = new Map<string, Place[]>()
  readonly #maps = new Map<string, SourceMap | undefined>()
  readonly covered: Covered = new Map()

  constructor(root: string, files: readonly string[]) {
    this.#root = root
    this.#arms = new Map(files.map((file) => [file, armsOf(file, readFileSync(join(root, file), 'utf8'))]))
  }

  arms(file: string): readonly Arm[] {
    return this.#arms.get(file) ?? []
  }

  /** Reads all reports of a folder. */
  readAll(folder: string): void {
    for (const name of readdirSync(folder)) {
      // A process that was killed while it wrote leaves half a report.
      const report = parsed(readFileSync(join(folder, name), 'utf8'))
      if (report) this.#read(report)
    }
  }

  #read(report: Report): void {
    for (const { url, functions } of report.result) {
      if (!url.startsWith('file:')) continue
      const map = report['source-map-cache']?.[url] ?? this.#builtMap(url)
      if (!map?.data) continue
      const places = this.#placesOf(url, map.data, map.lineLengths)
      if (places.length === 0) continue
      const counts = new Counts(functions.flatMap(({ ranges }) => ranges))
      for (const { file, arm, at, conditionAt } of places) {
        const { start, count } = counts.at(at)
        // An else that is not written ran where the end of the condition was reached more often than what follows it.
        const isElse = start > conditionAt && counts.at(start - 1).count > count
        if (arm.missingElse ? isElse : count > 0) this.#mark(file, arm)
      }
    }
  }

  /** The map of a script of dist/, for reports that have none: see measure.cjs. */
  #builtMap(url: string): SourceMap | undefined {
    const path = fileURLToPath(url)
    if (!this.#maps.has(path)) {
      const map = existsSync(`${path}.map`) && {
        lineLengths: readFileSync(path, 'utf8')
          .split('\n')
          .map(({ length }) => length),
        data: JSON.parse(readFileSync(`${path}.map`, 'utf8')) as { sources: string[]; mappings: string },
      }
      this.#maps.set(path, map || undefined)
    }
    return this.#maps.get(path)
  }

  #mark(file: string, arm: Arm): void {
    const ids = this.covered.get(file) ?? new Set()
    this.covered.set(file, ids.add(arm.id))
  }

  #placesOf(url: string, data: { sources: string[]; mappings: string }, lineLengths: readonly number[]): Place[] {
    const key = `${url} ${lineLengths.join()}`
    let places = this.#scripts.get(key)
    if (!places) {
      const path = fileURLToPath(url.replace(/\?.*$/, ''))
      const files = data.sources.map((source) =>
        relative(this.#root, resolve(dirname(path), source.replace(/^file:\/\//, ''))),
      )
      places = files.some((file) => this.#arms.has(file)) ? this.#locate(files, decode(data.mappings), lineLengths) : []
      this.#scripts.set(key, places)
    }
    return places
  }

  /** Where arms lie in a script: where its source map has the first position within them. */
  #locate(files: readonly string[], lines: SourceMapMappings, lineLengths: readonly number[]): Place[] {
    const points = files.map((): { from: number; to: number }[] => [])
    const starts = files.map((file) =>
      this.#arms.has(file) ? lineStarts(readFileSync(join(this.#root, file), 'utf8')) : [],
    )
    let offset = 0
    for (const [line, segments] of lines.entries()) {
      for (const [column, source, sourceLine, sourceColumn] of segments) {
        if (source === undefined) continue
        const from = (starts[source]?.[sourceLine ?? 0] ?? NaN) + (sourceColumn ?? 0)
        if (!Number.isNaN(from)) points[source]?.push({ from, to: offset + column })
      }
      offset += (lineLengths[line] ?? 0) + 1
    }
    return files.flatMap((file, i) => {
      const sorted = (points[i] ?? []).sort((a, b) => a.from - b.from || a.to - b.to)
      return (this.#arms.get(file) ?? []).flatMap((arm) => placeOf(file, arm, sorted))
    })
  }
}

function placeOf(file: string, arm: Arm, sorted: readonly { from: number; to: number }[]): Place[] {
  const index = lowerBound(sorted, arm.start)
  const point = sorted[index]
  if (!point || point.from >= arm.end) return []
  return [{ file, arm, at: point.to + arm.shift, conditionAt: sorted[index - 1]?.to ?? Infinity }]
}

function lowerBound(sorted: readonly { from: number }[], from: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle]?.from ?? Infinity) < from) low = middle + 1
    else high = middle
  }
  return low
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

function parsed(text: string): Report | undefined {
  try {
    return JSON.parse(text) as Report
  } catch {
    return undefined
  }
}

/** How often the code at an offset ran, and where code begins that ran as often. Ranges nest, and never overlap in part. */
class Counts {
  readonly #changes: { at: number; count: number }[] = []

  constructor(ranges: readonly Range[]) {
    const sorted = [...ranges].sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset)
    const open: Range[] = []
    const close = (before: number): void => {
      for (let last = open.at(-1); last && last.endOffset <= before; last = open.at(-1)) {
        open.pop()
        this.#changes.push({ at: last.endOffset, count: open.at(-1)?.count ?? 0 })
      }
    }
    for (const range of sorted) {
      close(range.startOffset)
      open.push(range)
      this.#changes.push({ at: range.startOffset, count: range.count })
    }
    close(Infinity)
  }

  at(offset: number): { start: number; count: number } {
    let [low, high] = [0, this.#changes.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#changes[middle]?.at ?? Infinity) <= offset) low = middle + 1
      else high = middle
    }
    const { at: start, count } = this.#changes[low - 1] ?? { at: 0, count: 0 }
    return { start, count }
  }
}
