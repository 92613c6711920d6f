import { parse, type Import } from 'es-module-lexer'
import { LOCATE } from '../zygote/core/built-imports.ts'

/** One place in a module's text that names another module. */
export interface ImportPlace {
  /** Undefined where the name is computed. */
  specifier: string | undefined
  /** `with { … }` is there. */
  hasAttributes: boolean
  start: number
  end: number
  /** A literal's quotes are part of the place. */
  quoted: boolean
}

/** Where a module's text imports, in order of the text. */
export function importPlaces(code: string): ImportPlace[] {
  const [imports] = parse(code)
  return imports.filter((found) => found.type !== 'import-meta').map(placeOf)
}

const REQUIRE_CALL = /\brequire(?:\.resolve)?\(\s*(?:(["'`])((?:(?!\1)[^\\$]|\\.)*)\1\s*[,)])?/g

/**
 * What a module's text requires, each once; undefined is among it where a name is computed. What only looks like a call,
 * in a text or a comment, may be among it too.
 */
export function requiredNames(code: string): (string | undefined)[] {
  return [...new Set([...code.matchAll(REQUIRE_CALL)].map(([, , specifier]) => specifier))]
}

function placeOf(found: Exclude<Import, { type: 'import-meta' }>): ImportPlace {
  const hasAttributes = found.attributesStart >= 0
  const computed = found.type === 'dynamic' && (found.specifier === undefined || found.glob)
  return {
    specifier: computed ? undefined : found.specifier,
    hasAttributes,
    start: found.start,
    end: found.end,
    quoted: found.type === 'dynamic',
  }
}

/** The text with `header` on its first line, so that source maps stay right; after what must come first. */
export function withHeader(code: string, header: string): string {
  const [first = ''] = /^(#![^\n]*\n)?("use strict";)?/.exec(code) ?? []
  return `${first}${header} ${code.slice(first.length)}`
}

/**
 * The text with new specifiers: `replace` gives one for a literal, undefined to leave it. A computed one is wrapped, so
 * that it is looked up when it is known. No line is added, so that source maps stay right.
 */
export function rewriteImports(
  code: string,
  places: readonly ImportPlace[],
  fileUrl: string,
  replace: (place: ImportPlace) => string | undefined,
): string {
  let result = ''
  let from = 0
  for (const place of places) {
    const text = code.slice(place.start, place.end)
    const next =
      place.specifier === undefined ? `${LOCATE}(${JSON.stringify(fileUrl)}, ${text})` : literal(place, replace(place))
    if (next === undefined) continue
    result += code.slice(from, place.start) + next
    from = place.end
  }
  return result + code.slice(from)
}

function literal(place: ImportPlace, specifier: string | undefined): string | undefined {
  if (specifier === undefined) return undefined
  return place.quoted ? JSON.stringify(specifier) : specifier
}
