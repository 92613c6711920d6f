import type { Document, LineCounter } from 'yaml'
import { library } from './library.ts'

/** A YAML text, read. */
export interface Yaml {
  value: unknown
  document: Document
  lines: LineCounter
}

/** What is wrong with a YAML text, and where. */
export interface YamlFlaw {
  flaw: Error
  line: number
}

/**
 * Reads a YAML text. Aliases are followed here, too: one may name no anchor, or there may be so many that the value would
 * be too large, which the parser says nothing of.
 */
export function readYaml(text: string): Yaml | YamlFlaw {
  const { LineCounter: Lines, parseDocument } = library('yaml')
  const lines = new Lines()
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'error' })
  const [flaw] = document.errors
  if (flaw) return { flaw, line: flaw.linePos?.[0].line ?? 1 }
  try {
    return { value: document.toJS({ maxAliasCount: 100 }), document, lines }
  } catch (error) {
    return { flaw: error as Error, line: 1 }
  }
}
