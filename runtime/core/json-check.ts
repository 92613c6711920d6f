import { clip } from '../../config/clip.ts'

/** Ruby's JSON reads 100 levels (max_nesting). */
const maxNesting = 100
/** The payload around arguments is one of them: `{"class":…,"args":…}`. */
const maxDepth = maxNesting - 1
/** What a message shows of a path. */
const pathShown = 60

/**
 * Finds what JSON cannot carry, and says where: `args[0].user: a symbol …`. Undefined properties of objects are fine (JSON
 * leaves them out, and reading them gives undefined again); undefined array elements are not (they would become null).
 * @param allowed `bigint` where {@link jsonText} writes the value; JSON.stringify refuses one
 * @returns undefined when all is well
 */
export function findNotJson(
  value: unknown,
  path: string,
  allowed: { bigint?: boolean } = {},
  above: readonly object[] = [],
): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : say(path, `${value}, which would become null`)
    case 'object':
      return value === null ? undefined : findInObject(value, path, allowed, above)
    case 'undefined':
      return say(path, 'undefined, which would become null; pass null, or leave trailing arguments out')
    case 'bigint':
      return allowed.bigint ? undefined : say(path, 'a BigInt; pass a string')
    default:
      return say(path, `a ${typeof value}`)
  }
}

function findInObject(
  value: object,
  path: string,
  allowed: { bigint?: boolean },
  above: readonly object[],
): string | undefined {
  if (above.includes(value)) return say(path, 'a cycle: the value contains itself')
  const inside = [...above, value]
  if (inside.length > maxDepth)
    return say(path, `values nested deeper than ${maxDepth} levels, which Ruby cannot read; pass a JSON text or an id`)
  const [symbol] = Object.getOwnPropertySymbols(value)
  if (symbol !== undefined) return say(path, `a property named by ${String(symbol)}, which JSON leaves out; use a text`)
  if (Array.isArray(value)) return findInArray(value, path, allowed, inside)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    const name = (value.constructor as { name?: string } | undefined)?.name ?? 'object'
    return say(
      path,
      `an instance of ${name}${name === 'Date' ? '; pass toISOString() or a number' : '; pass plain data or an id'}`,
    )
  }
  for (const [key, member] of Object.entries(value)) {
    const bad = member === undefined ? undefined : findNotJson(member, `${path}.${key}`, allowed, inside)
    if (bad) return bad
  }
  return undefined
}

function findInArray(
  list: readonly unknown[],
  path: string,
  allowed: { bigint?: boolean },
  inside: readonly object[],
): string | undefined {
  for (const [i, item] of list.entries()) {
    const bad = findNotJson(item, `${path}[${i}]`, allowed, inside)
    if (bad) return bad
  }
  const names = Object.keys(list)
  const extra = names.length > list.length ? names.at(-1) : undefined
  return extra === undefined
    ? undefined
    : say(
        path,
        `an array with the property ${JSON.stringify(clip(extra, pathShown))}, which JSON leaves out; pass an object`,
      )
}

function say(path: string, what: string): string {
  return `${clip(path, pathShown)}: expected a JSON value, got ${what}`
}
