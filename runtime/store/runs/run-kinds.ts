import { RuntimeError } from '../../core/errors.ts'
import { jsonObject, textIn } from '../../core/json-text.ts'
import { type Connection, scriptJson } from '../connection/connection.ts'
import type { NodeRow } from './run-table.ts'
import type { NodeKind } from './run-writer.ts'

/** How many kinds a run can have: a node names its kind in two bytes. */
const mostKinds = 65_536

/** @param what the run, for the message @throws RuntimeError ERR_TOO_LARGE for more kinds than a node can name */
export function checkKinds(count: number, what: string): void {
  if (count <= mostKinds) return
  throw new RuntimeError(
    'ERR_TOO_LARGE',
    `${what}: expected at most ${mostKinds} different combinations of class, queue and options, got more`,
  )
}

/**
 * Gives kinds their numbers in a run that exists. A kind that the run knows keeps its number, so that a run that grows for
 * ever by the same jobs has as many kinds as there are; new ones are written.
 * @returns per kind its number
 * @throws RuntimeError ERR_TOO_LARGE
 */
export async function numberedKinds(
  connection: Connection,
  runId: string,
  kinds: readonly NodeKind[],
): Promise<number[]> {
  const texts = kinds.map((kind) => scriptJson(kind))
  const [stored, taken] = await connection.ask((redis, keys) =>
    Promise.all([redis.hgetall(keys.runKinds(runId)), redis.hget(keys.run(runId), 'kinds')]),
  )
  const known = new Map(Object.entries(stored).map(([number, text]) => [text, Number(number)]))
  const fresh = [...new Set(texts)].filter((text) => !known.has(text))
  checkKinds(Number(taken) + fresh.length, `run ${runId}`)
  if (fresh.length > 0) {
    const end = await connection.ask((redis, keys) => redis.hincrby(keys.run(runId), 'kinds', fresh.length))
    // Others may have added theirs meanwhile.
    checkKinds(end, `run ${runId}`)
    fresh.forEach((text, i) => known.set(text, end - fresh.length + i))
    const numbered = Object.fromEntries(fresh.map((text) => [known.get(text)!, text]))
    await connection.ask((redis, keys) => redis.hset(keys.runKinds(runId), numbered))
  }
  return texts.map((text) => known.get(text)!)
}

const unknownKind: NodeKind = { class: '?', queue: '?' }

/** A kind as it lies in Redis; what was changed there and cannot be read is a `?`. */
export function readKind(text: string): NodeKind {
  const kind: Partial<Record<keyof NodeKind, unknown>> = jsonObject(text) ?? {}
  return { ...kind, class: textIn(kind.class ?? '?'), queue: textIn(kind.queue ?? '?') } as NodeKind
}

/** The kind of a node; `?` where its record or its kind is missing in Redis. */
export const kindOf = (kinds: readonly NodeKind[], node: Pick<NodeRow, 'kind'> | undefined): NodeKind =>
  (node && kinds[node.kind]) ?? unknownKind
