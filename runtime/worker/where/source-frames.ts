import { readFile, stat } from 'node:fs/promises'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isOwnCode } from '../../core/package.ts'

/** Frames of Node's own machinery say nothing of the job. */
const INTERNAL = /\(?node:(internal\/|events\b)/
const PLACE = /^(.*?)\(?((?:file:\/\/)?\/[^()]*):(\d+):(\d+)\)?$/
/** A map that is larger than this is not worth the supervisor's time. */
const MAX_MAP_BYTES = 20 << 20
const FRAMES_SHOWN = 50

/**
 * The frames that are the job's: without those of Node's machinery and of this runtime. None where no file of the
 * application or of its packages is among them: what V8 itself offers, such as Array.map, was then called from here.
 */
export function jobFrames(printed: readonly string[]): string[] {
  const frames = printed.filter((line) => !INTERNAL.test(line) && !isOwnCode(line))
  return frames.some((line) => PLACE.test(line)) ? frames : []
}

/**
 * The frames that V8 has printed, as a reader of the sources knows them: `Order.total (/app/src/jobs/order.ts:18:5)`.
 * Files that were built have their source map beside them, in `<file>.map`; other places stay as they are.
 *
 * @param printed innermost first
 * @param more how many frames there were beyond those
 */
export async function sourceFrames(printed: readonly string[], more: number): Promise<string[]> {
  const frames = jobFrames(printed)
  const maps = new Map<string, Promise<SourceMap | undefined>>()
  const mapOf = (file: string): Promise<SourceMap | undefined> => {
    const known = maps.get(file) ?? readMap(`${file}.map`)
    maps.set(file, known)
    return known
  }
  const shown = await Promise.all(frames.slice(0, FRAMES_SHOWN).map((frame) => inSource(frame, mapOf)))
  const beyond = frames.length - shown.length + more
  return beyond > 0 ? [...shown, `… and ${beyond} more frames`] : shown
}

async function inSource(frame: string, mapOf: (file: string) => Promise<SourceMap | undefined>): Promise<string> {
  const [, name = '', place = '', line, column] = PLACE.exec(frame) ?? []
  if (line === undefined || column === undefined) return frame
  const file = place.startsWith('file:') ? fileURLToPath(place) : place
  const entry = (await mapOf(file))?.findEntry(Number(line) - 1, Number(column) - 1)
  const source = entry && 'originalSource' in entry ? entry.originalSource : undefined
  const at = source === undefined ? `${file}:${line}:${column}` : `${pathOf(source)}:${entryPlace(entry)}`
  return name === '' ? at : `${name}(${at})`
}

const entryPlace = (entry: unknown): string => {
  const { originalLine, originalColumn } = entry as { originalLine: number; originalColumn: number }
  return `${originalLine + 1}:${originalColumn + 1}`
}

const pathOf = (source: string): string => (source.startsWith('file:') ? fileURLToPath(source) : source)

async function readMap(path: string): Promise<SourceMap | undefined> {
  try {
    if ((await stat(path)).size > MAX_MAP_BYTES) return undefined
    return new SourceMap(JSON.parse(await readFile(path, 'utf8')) as SourceMapPayload)
  } catch {
    return undefined
  }
}
