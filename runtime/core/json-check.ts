/**
 * Finds what JSON cannot carry, and says where: `args[0].user: BigInt …`. Undefined properties of objects are fine (JSON
 * leaves them out, and reading them gives undefined again); undefined array elements are not (they would become null).
 * @returns undefined when all is well
 */
export function findNotJson(value: unknown, path: string, above: readonly object[] = []): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : say(path, `${value} would become null`)
    case 'object':
      return value === null ? undefined : findInObject(value, path, above)
    case 'undefined':
      return say(path, 'undefined would become null; pass null, or leave trailing arguments out')
    case 'bigint':
      return say(path, 'a BigInt; pass a string')
    default:
      return say(path, `a ${typeof value}`)
  }
}

function findInObject(value: object, path: string, above: readonly object[]): string | undefined {
  if (above.includes(value)) return say(path, 'a cycle: the value contains itself')
  const inside = [...above, value]
  if (inside.length > 500) return say(path, 'nested deeper than 500 levels')
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) {
      const bad = findNotJson(value[i], `${path}[${i}]`, inside)
      if (bad) return bad
    }
    return undefined
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    const name = (value.constructor as { name?: string } | undefined)?.name ?? 'object'
    return say(
      path,
      `an instance of ${name}${name === 'Date' ? '; pass toISOString() or a number' : '; pass plain data or an id'}`,
    )
  }
  for (const [key, member] of Object.entries(value)) {
    const bad = member === undefined ? undefined : findNotJson(member, `${path}.${key}`, inside)
    if (bad) return bad
  }
  return undefined
}

function say(path: string, what: string): string {
  return `${path}: expected a JSON value, got ${what}`
}
