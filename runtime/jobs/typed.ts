import type { JobDefinition, Returned } from './job.ts'

/**
 * The part of the Standard Schema contract (https://standardschema.dev) that typed jobs use.
 * @example
 * ```ts
 * const schema: StandardSchema = z.object({ doc_id: z.string() }) // also valibot, arktype and others
 * ```
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** The contract's own member: a version, the library's name, the check, and the types. */
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
      }[]
    }

/**
 * The type a schema lets through.
 * @example
 * ```ts
 * const schema = z.object({ doc_id: z.string() })
 * const input: Infer<typeof schema> = { doc_id: 'd1' }
 * ```
 */
export type Infer<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output']

/** An object of which the schema's library tells no types. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- it must fit whatever `perform` takes
type Untold = Record<string, any>

/** The type that a schema takes (`input`), or lets through (`output`). */
export type SchemaSide<S, Side extends 'input' | 'output'> = S extends {
  readonly '~standard': { readonly version: 1; readonly types?: infer T }
}
  ? NonNullable<T> extends Record<Side, infer V>
    ? V
    : Untold
  : never

/**
 * Adds nothing to a job whose `perform` takes what `static input` lets through and returns what `static output` takes;
 * to another what is wrong. It may always return nothing: `this.output(value)` may have set the result.
 */
export type CheckedJob<J> = J extends { input: infer S; new (): { perform(...args: infer A): unknown } }
  ? A extends []
    ? SoundOutput<J>
    : Fits<SchemaSide<S, 'output'>, A[0]> extends true
      ? SoundOutput<J>
      : { 'perform takes another type than static input lets through': SchemaSide<S, 'output'> }
  : SoundOutput<J>

type SoundOutput<J> = J extends { output: infer S }
  ? Fits<Exclude<Returned<J>, undefined | void>, SchemaSide<S, 'input'>> extends true
    ? unknown
    : { 'perform returns another type than static output takes': SchemaSide<S, 'input'> }
  : unknown

/** True also where either is a record of unknown keys, as of a schema that tells no types. */
type Fits<Given, Taken> = string extends keyof Given | keyof Taken ? true : [Given] extends [Taken] ? true : false

/** What a schema said of a value. */
export type Checked = { ok: true; value: unknown } | { ok: false; problems: string }

/** The schema a job has for its input or output; undefined when it is not typed. */
export function schemaOf(definition: JobDefinition, side: 'input' | 'output'): StandardSchema | undefined {
  const schema = (definition as unknown as Record<string, unknown>)[side]
  const usable =
    (typeof schema === 'object' || typeof schema === 'function') && schema !== null && '~standard' in schema
  return usable ? (schema as StandardSchema) : undefined
}

/** Checks a value; every path that does not fit is named. A schema that throws is a problem like any other. */
export async function check(schema: StandardSchema, value: unknown): Promise<Checked> {
  try {
    const result = await schema['~standard'].validate(value)
    if (!result.issues) return { ok: true, value: result.value }
    return {
      ok: false,
      problems: result.issues.map(({ message, path }) => `${pathText(path ?? [])}: ${message}`).join('; '),
    }
  } catch (error) {
    return { ok: false, problems: `the schema itself threw ${String(error)}` }
  }
}

/** What is wrong with a job's input, all paths; undefined when it fits or the job is not typed. */
export async function inputProblems(definition: JobDefinition, input: unknown): Promise<string | undefined> {
  const schema = schemaOf(definition, 'input')
  if (!schema) return undefined
  const checked = await check(schema, input)
  return checked.ok ? undefined : checked.problems
}

function pathText(path: readonly (PropertyKey | { readonly key: PropertyKey })[]): string {
  const keys = path.map((step) => (typeof step === 'object' ? step.key : step))
  return keys.length === 0
    ? 'input'
    : keys.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${String(key)}`)).join('')
}
