import type { Document, Node, Pair, Scalar, YAMLMap } from 'yaml'
import { library } from '../../config/library.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'

const { isAlias, isMap, isScalar, isSeq } = library('yaml')
const deepest = 100
const longestText = 1024 * 1024
const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

/** The node itself where YAML has an alias. */
export function resolved(node: unknown, document: Document): Node | undefined {
  return isAlias(node) ? node.resolve(document) : ((node ?? undefined) as Node | undefined)
}

/** A Ruby symbol (`:first_in`) without its colon. */
export const withoutColon = (text: string): string => (/^:[A-Za-z_]/.test(text) ? text.slice(1) : text)

/** A key as it is written; undefined where it is a list or a mapping. */
export const keyOf = ({ key }: Pair): string | undefined => (isScalar(key) ? (key as Scalar.Parsed).source : undefined)

const isMerge = (pair: Pair): boolean => keyOf(pair) === '<<'

/** The pair of a key, also where it came in by a merge (`<<: *defaults`). */
export function findPair(map: YAMLMap, key: string, document: Document): Pair | undefined {
  const own = map.items.find((pair) => [key, `:${key}`].includes(String(keyOf(pair))))
  if (own) return own
  for (const merge of map.items.filter(isMerge)) {
    const value = resolved(merge.value, document)
    for (const each of isSeq(value) ? value.items : [value]) {
      const target = resolved(each, document)
      const found = isMap(target) ? findPair(target, key, document) : undefined
      if (found) return found
    }
  }
  return undefined
}

/**
 * A YAML value as JSON text. Numbers keep the digits they were written with, since a big integer or `1.0` would not
 * survive a JavaScript number.
 * @throws RuntimeError ERR_SCHEDULE for what JSON cannot carry
 */
export function toJsonText(node: unknown, document: Document, depth = 0): string {
  const target = resolved(node, document)
  if (depth > deepest)
    throw new RuntimeError(
      'ERR_SCHEDULE',
      `args: expected at most ${deepest} levels, got more (an anchor inside itself?)`,
    )
  if (target === undefined) return 'null'
  let text: string
  if (isSeq(target)) {
    text = `[${target.items.map((item) => toJsonText(item, document, depth + 1)).join(',')}]`
  } else if (isMap(target)) {
    const pairs = mergedPairs(target, document, depth).map(
      (pair) => `${JSON.stringify(keyText(pair))}:${toJsonText(pair.value, document, depth + 1)}`,
    )
    text = `{${pairs.join(',')}}`
  } else {
    text = scalarText(target as Scalar.Parsed)
  }
  if (text.length > longestText)
    throw new RuntimeError('ERR_SCHEDULE', `args: expected at most ${longestText} bytes, got more`)
  return text
}

/** The pairs of a mapping, those of its merges (`<<: *defaults`) first, as YAML orders them; its own win, then the first merge. */
function mergedPairs(map: YAMLMap, document: Document, depth: number): Pair[] {
  if (depth > deepest) throw new RuntimeError('ERR_SCHEDULE', `args: expected at most ${deepest} levels, got more`)
  const byKey = new Map<string, Pair>()
  for (const pair of map.items) {
    if (!isMerge(pair)) {
      byKey.set(keyText(pair), pair)
      continue
    }
    const value = resolved(pair.value, document)
    for (const each of isSeq(value) ? value.items : [value]) {
      // YAML has refused the entry where a merge is of anything else.
      const target = resolved(each, document) as YAMLMap
      for (const merged of mergedPairs(target, document, depth + 1))
        if (!byKey.has(keyText(merged))) byKey.set(keyText(merged), merged)
    }
  }
  return [...byKey.values()]
}

function keyText(pair: Pair): string {
  if (!isScalar(pair.key))
    throw new RuntimeError('ERR_SCHEDULE', 'args: expected keys that are text, got a list or mapping as a key')
  return String(pair.key.value)
}

function scalarText({ value, source }: Scalar.Parsed): string {
  if (typeof value === 'number') {
    if (jsonNumber.test(source)) return source
    if (!Number.isFinite(value))
      throw new RuntimeError('ERR_SCHEDULE', `args: expected numbers that JSON can carry, got ${source}`)
  }
  return JSON.stringify(value)
}

/**
 * What Ruby's YAML (Psych, YAML 1.1) makes of a plain value that is something else in YAML 1.2; undefined where both agree.
 */
export function rubyReads(source: string): string | undefined {
  const digits = source.replace(/[,_]/g, '')
  if (/^(yes|on)$/i.test(source)) return 'true'
  if (/^(no|off)$/i.test(source)) return 'false'
  if (/^[-+]?0[0-7]+$/.test(digits) && parseInt(digits, 8) !== Number(digits)) return String(parseInt(digits, 8))
  if (/^[-+]?[1-9]\d*([,_]\d+)+(\.\d+)?$/.test(source)) return String(Number(digits))
  if (/^0b[01]+$/.test(source)) return String(Number(source))
  if (/^[-+]?\d+(:[0-5]?\d){1,2}(\.\d+)?$/.test(source)) return 'a number in base 60'
  if (/^(0o[0-7]+|[-+]?\d+[eE][-+]?\d+|[-+]?\d*\.\d+[eE]\d+)$/.test(source)) return 'text'
  return /^\d{4}-\d\d?-\d\d?([Tt\s]|$)/.test(source) ? 'a date, which it may refuse' : undefined
}
