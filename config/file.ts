import { existsSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { type Document, LineCounter, parseDocument } from 'yaml'
import { ConfigError } from './problems.ts'

/** A settings file as read: its tree without the empty entries, and the line on which each path stands. */
export interface ConfigFile {
  /** Absolute; undefined when there is no file. */
  path: string | undefined
  tree: Record<string, unknown>
  /** `config/runtime.yml:7`, for messages. */
  place(path: readonly PropertyKey[]): string
}

const DEFAULT_FILES = ['config/runtime.yml', 'config/runtime.yaml']

/**
 * Reads the application's settings file, if it has one.
 * @param chosen a path that somebody named: then the file has to be there
 */
export function readConfigFile(root: string, chosen: string | undefined): ConfigFile {
  const found = chosen ?? DEFAULT_FILES.find((file) => existsSync(join(root, file)))
  if (found === undefined) return { path: undefined, tree: {}, place: () => 'defaults' }
  const path = resolve(root, found)
  const shown = relative(root, path).startsWith('..') ? path : relative(root, path)
  const lines = new LineCounter()
  const document = parseDocument(read(path, shown), { lineCounter: lines })
  const [flaw] = document.errors
  if (flaw) {
    const [what] = flaw.message.split(/ at line |\n/)
    throw new ConfigError([
      `${shown}:${flaw.linePos?.[0].line ?? 1}: expected valid YAML, got: ${what}; correct that line`,
    ])
  }
  const tree: unknown = document.toJS()
  if (tree !== null && (typeof tree !== 'object' || Array.isArray(tree))) {
    throw new ConfigError([
      `${shown}:1: expected settings like "worker:", got ${Array.isArray(tree) ? 'a list' : 'a single value'}`,
    ])
  }
  const place = (at: readonly PropertyKey[]): string => `${shown}:${lineOf(document, lines, at)}`
  return { path, tree: withoutNulls(tree ?? {}) as Record<string, unknown>, place }
}

function read(path: string, shown: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new ConfigError([`${shown}: expected a settings file that can be read, got ${code}; check the path`], {
      cause,
    })
  }
}

/** An entry with nothing behind its colon counts as not given. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutNulls(inner)]))
}

/** The line of the deepest part of the path that the file has. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined
    if (node?.range) return lines.linePos(node.range[0]).line
  }
  return 1
}
