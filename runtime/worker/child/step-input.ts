import { keysWithIssues, schemaKeys } from '../../jobs/schema-keys.ts'
import { check, type StandardSchema } from '../../jobs/typed.ts'

/** Reads keys of a run's memory, or all of it. */
type Read = (keys?: readonly string[]) => Promise<Record<string, unknown>>

/** A schema that does not tell its keys may want more once it has some: so many rounds, then its own check speaks. */
const rounds = 10

/**
 * A typed step's input: what it was given, then the run's memory; the schema's own defaults come after both. A schema
 * that tells its keys gets these; for another, all of memory is tried first, and then only keys that it asks for.
 */
export async function fillInput(schema: StandardSchema, given: unknown, read: Read): Promise<unknown> {
  if (given !== undefined && given !== null && (typeof given !== 'object' || Array.isArray(given))) return given
  const own = { ...given } as Record<string, unknown>
  const { names } = await schemaKeys(schema, 'input')
  if (names) return { ...(await read(names.filter((name) => own[name] === undefined))), ...own }
  const memory = await read()
  const all = { ...memory, ...own }
  if ((await check(schema, all)).ok) return all
  for (let round = 0; round < rounds; round += 1) {
    const wanted = [...(await keysWithIssues(schema, own)).keys()].filter(
      (key) => own[key] === undefined && Object.hasOwn(memory, key),
    )
    if (wanted.length === 0) break
    for (const key of wanted) own[key] = memory[key]
  }
  return own
}
