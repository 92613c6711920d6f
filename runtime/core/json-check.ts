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
export function findNotJson(value: unknown, path: string, allowed: Allowed = {}): string | undefined {
  const found = find(value, allowed, [])
  return found && `${clip(path + found.at, pathShown)}: expected a JSON value, got ${found.what}`
}

interface Allowed {
  bigint?: boolean
}

/** Where the value lies below the one that was given, and what it is. The path is made only where there is something to say. */
interface Found {
  at: string
  what: string
}

const say = (what: string): Found => ({ at: '', what })
const below = (at: string, found: Found): Found => ({ at: at + found.at, what: found.what })

/** @param above the objects that contain the value; the same list throughout */
function find(value: unknown, allowed: Allowed, above: object[]): Found | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : say(`${value}, which would become null`)
    case 'object':
      return value === null ? undefined : findInObject(value, allowed, above)
    case 'undefined':
      return say('undefined, which would become null; pass null, or leave trailing arguments out')
    case 'bigint':
      return allowed.bigint ? undefined : say('a BigInt; pass a string')
    default:
      return say(`a ${typeof value}`)
  }
}

function findInObject(value: object, allowed: Allowed, above: object[]): Found | undefined {
  if (above.includes(value)) return say('a cycle: the value contains itself')
  if (above.length >= maxDepth)
    return say(`values nested deeper than ${maxDepth} levels, which Ruby cannot read; pass a JSON text or an id`)
  const [symbol] = Object.getOwnPropertySymbols(value)
  if (symbol !== undefined) return say(`a property named by ${String(symbol)}, which JSON leaves out; use a text`)
  above.push(value)
  const found = Array.isArray(value) ? findInArray(value, allowed, above) : findInRecord(value, allowed, above)
  above.pop()
  return found
}

function findInRecord(value: object, allowed: Allowed, above: object[]): Found | undefined {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    const name = (value.constructor as { name?: string } | undefined)?.name ?? 'object'
    return say(
      `an instance of ${name}${name === 'Date' ? '; pass toISOString() or a number' : '; pass plain data or an id'}`,
    )
  }
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key]
    const bad = member === undefined ? undefined : find(member, allowed, above)
    if (bad) return below(`.${key}`, bad)
  }
  return undefined
}

function findInArray(list: readonly unknown[], allowed: Allowed, above: object[]): Found | undefined {
  for (let i = 0; i < list.length; i += 1) {
    const bad = find(list[i], allowed, above)
    if (bad) return below(`[${i}]`, bad)
  }
  const names = Object.keys(list)
  const extra = names.length > list.length ? names.at(-1) : undefined
  return extra === undefined
    ? undefined
    : say(`an array with the property ${JSON.stringify(clip(extra, pathShown))}, which JSON leaves out; pass an object`)
}
