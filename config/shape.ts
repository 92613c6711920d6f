// Every process of the runtime loads the settings, so a shape is made of plain objects: the schemas of a library take longer
// to make than all else that a producer loads.

/** What a field would have liked, for the message: `expected <wanted>, got …; write for example <example>`. */
export interface Expectation {
  wanted: string
  example: string
}

/** One setting. */
export interface Field<T> extends Expectation {
  /** The value, from what the file, the environment or a flag has; undefined where that cannot be used. */
  read: (value: unknown) => T | undefined
  /** What an absent setting is. */
  fallback?: T
  optional(): Field<T | undefined>
  default(fallback: T): Field<T>
}

/** Settings by name; one that is not given is made of its defaults. */
export interface Group<S> {
  shape: S
  /** Absent where it is not given. */
  isOptional?: boolean
}

type ValueOf<F> = F extends Field<infer T> ? T : F extends Group<infer S> ? ValuesOf<S> | Absent<F> : never
type Absent<F> = F extends { isOptional: true } ? undefined : never
type OptionalIn<S> = { [K in keyof S]: undefined extends ValueOf<S[K]> ? K : never }[keyof S]
/** The settings of a shape, as they are once checked. */
export type ValuesOf<S> = { [K in Exclude<keyof S, OptionalIn<S>>]: ValueOf<S[K]> } & {
  [K in OptionalIn<S>]?: ValueOf<S[K]>
}

/** Settings that cannot be changed. */
export type Frozen<T> = T extends readonly (infer I)[]
  ? readonly Frozen<I>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T

/** Something in a tree of settings that cannot be used: `field` has the field whose value is wrong. */
export type Issue = { path: string[] } & (
  { kind: 'unknown' } | { kind: 'not a group' } | { kind: 'value'; field: Expectation }
)

/** Checks a tree of settings, and fills in what is absent. What cannot be used is an issue, and not in the values. */
export function checkShape<S extends object>(
  shape: S,
  tree: unknown,
  path: readonly string[] = [],
): { values: ValuesOf<S>; issues: Issue[] } {
  const values: Record<string, unknown> = {}
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree))
    return { values: values as ValuesOf<S>, issues: [{ path: [...path], kind: 'not a group' }] }
  const issues: Issue[] = []
  for (const [key, field] of Object.entries(shape) as [string, Field<unknown> | Group<object>][]) {
    const given = Object.hasOwn(tree, key) ? (tree as Record<string, unknown>)[key] : undefined
    const at = [...path, key]
    if ('shape' in field) {
      if (given === undefined && field.isOptional === true) continue
      const inner = checkShape(field.shape, given ?? {}, at)
      values[key] = inner.values
      issues.push(...inner.issues)
    } else if (given !== undefined || !('fallback' in field)) {
      values[key] = field.read(given)
      if (values[key] === undefined) issues.push({ path: at, kind: 'value', field })
    } else if (field.fallback !== undefined) values[key] = field.fallback
  }
  for (const key of Object.keys(tree))
    if (!Object.hasOwn(shape, key)) issues.push({ path: [...path, key], kind: 'unknown' })
  return { values: values as ValuesOf<S>, issues }
}

/** A group of settings. */
export const group = <S extends object>(shape: S): Group<S> => ({ shape })
/** A group that has a meaning only where it is given. */
export const optionalGroup = <S extends object>(shape: S): Group<S> & { isOptional: true } => ({
  shape,
  isOptional: true,
})
