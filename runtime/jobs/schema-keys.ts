import type { StandardSchema } from './typed.ts'

/** What can be said of the keys of an object schema. */
export interface SchemaKeys {
  /** Keys it names; undefined when the library does not tell. */
  names: readonly string[] | undefined
  /** Keys without which it refuses: no default, not optional. */
  required: readonly string[]
  /** True when it accepts keys that it does not name, or where that is unknown. */
  open: boolean
  /** `string`, `number`, `boolean`, `array`, `object` … of keys, where it is one of these. */
  types: Readonly<Record<string, string>>
  /** JSON values of defaults, where the library tells. */
  defaults: Readonly<Record<string, unknown>>
}

interface JsonSchema {
  type?: unknown
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: unknown
  default?: unknown
  allOf?: JsonSchema[]
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  $ref?: string
  $defs?: Record<string, JsonSchema>
}

const known = new WeakMap<StandardSchema, Partial<Record<'input' | 'output', Promise<SchemaKeys>>>>()

/**
 * The keys of a schema, by the best that its library offers: its JSON Schema (`~standard.jsonSchema`: zod 4.2, arktype),
 * else `entries` (valibot), else by a probe: an empty object is validated, and the issues' paths name what is required.
 * Nothing is thrown: of a schema that throws, nothing is known.
 */
export async function schemaKeys(schema: StandardSchema, side: 'input' | 'output'): Promise<SchemaKeys> {
  const cached = known.get(schema) ?? {}
  known.set(schema, cached)
  cached[side] ??= look(schema, side)
  return cached[side]
}

/** Top-level keys that the issues of a value name; `deep` counts issues inside them, too. Empty when it fits, or the schema throws. */
export async function keysWithIssues(schema: StandardSchema, value: unknown): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  try {
    const { issues = [] } = await schema['~standard'].validate(value)
    for (const { message, path } of issues) {
      const [first] = path ?? []
      if (first === undefined) continue
      const key = String(typeof first === 'object' ? first.key : first)
      found.set(key, found.get(key) ?? message)
    }
  } catch {
    // Where it matters, the job's own check tells what the schema threw.
  }
  return found
}

async function look(schema: StandardSchema, side: 'input' | 'output'): Promise<SchemaKeys> {
  const told = fromJsonSchema(schema, side)
  if (told) return told
  const required = [...(await keysWithIssues(schema, {})).keys()]
  const { entries, type, rest } = schema as { entries?: unknown; type?: unknown; rest?: unknown }
  if (typeof entries === 'object' && entries !== null) {
    return {
      names: Object.keys(entries),
      required,
      open: type === 'loose_object' || (rest !== undefined && rest !== null),
      types: typesOf(entries),
      defaults: {},
    }
  }
  return { names: undefined, required, open: true, types: {}, defaults: {} }
}

/** Valibot's own words for JSON's types. */
function typesOf(entries: object): Record<string, string> {
  const pairs = Object.entries(entries).flatMap(([key, entry]): [string, string][] => {
    let at = entry as { type?: unknown; wrapped?: unknown }
    while (typeof at?.wrapped === 'object' && at.wrapped !== null) at = at.wrapped
    return typeof at?.type === 'string' && ['string', 'number', 'boolean', 'array', 'object'].includes(at.type)
      ? [[key, at.type]]
      : []
  })
  return Object.fromEntries(pairs)
}

function fromJsonSchema(schema: StandardSchema, side: 'input' | 'output'): SchemaKeys | undefined {
  const standard = schema['~standard'] as { jsonSchema?: Record<'input' | 'output', (options: object) => JsonSchema> }
  if (!standard.jsonSchema) return undefined
  try {
    // What has no JSON form, such as a date, is any value: its key still counts.
    const root = standard.jsonSchema[side]({ target: 'draft-2020-12', libraryOptions: { unrepresentable: 'any' } })
    return keysOf(root, root)
  } catch {
    return undefined
  }
}

function keysOf(at: JsonSchema, root: JsonSchema, depth = 0): SchemaKeys | undefined {
  if (depth > 20) return undefined
  if (at.$ref !== undefined) {
    const target = at.$ref === '#' ? root : root.$defs?.[at.$ref.replace('#/$defs/', '')]
    return target && keysOf(target, root, depth + 1)
  }
  const inside = (list: JsonSchema[]): SchemaKeys[] | undefined => {
    const all = list.map((one) => keysOf(one, root, depth + 1))
    return all.includes(undefined) ? undefined : (all as SchemaKeys[])
  }
  if (at.allOf) return joined(inside(at.allOf), 'all')
  if (at.anyOf ?? at.oneOf) return joined(inside(at.anyOf ?? at.oneOf ?? []), 'any')
  if (at.type !== 'object') return undefined
  const properties = at.properties ?? {}
  const pairs = Object.entries(properties)
  return {
    names: Object.keys(properties),
    required: at.required ?? [],
    open: at.additionalProperties !== false && at.additionalProperties !== undefined,
    types: Object.fromEntries(pairs.flatMap(([key, { type }]) => (typeof type === 'string' ? [[key, type]] : []))),
    defaults: Object.fromEntries(pairs.flatMap(([key, one]) => ('default' in one ? [[key, one.default]] : []))),
  }
}

function joined(parts: SchemaKeys[] | undefined, how: 'all' | 'any'): SchemaKeys | undefined {
  if (!parts || parts.length === 0) return undefined
  const required = parts.map((part) => part.required)
  const every = (required[0] ?? []).filter((key) => required.every((list) => list.includes(key)))
  return {
    names: [...new Set(parts.flatMap((part) => part.names ?? []))],
    required: how === 'all' ? [...new Set(required.flat())] : every,
    open: parts.some((part) => part.open),
    types: Object.assign({}, ...parts.map((part) => part.types)) as Record<string, string>,
    defaults: Object.assign({}, ...parts.map((part) => part.defaults)) as Record<string, unknown>,
  }
}
