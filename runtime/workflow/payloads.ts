import { RuntimeError } from '../core/errors.ts'
import type { RunReader } from '../store/run-reader.ts'
import type { BegunStep } from '../store/runs.ts'

/** A parent's output, as its child gets it. */
export interface Payload {
  id: string
  class: string
  /** Undefined where the parent returned nothing. */
  output: unknown
}

/** Outputs read in one round trip; small enough that nobody waits for it. */
const pageSize = 1000

/**
 * Outputs of a step's direct parents that finished, in the order of the parents. Few come with the step; a wide fan-in
 * (a report after a hundred thousand rows) is read in pages here, outside any script.
 * @throws RuntimeError ERR_TOO_LARGE when together they are larger than `maxBytes`
 */
export async function collectPayloads(
  reader: RunReader,
  runId: string,
  index: number,
  begun: BegunStep,
  maxBytes: number,
): Promise<Payload[]> {
  if (begun.payloads !== 'many') return begun.payloads.map(read)
  const [node] = await reader.nodes(runId, index, index + 1)
  if (!node) return []
  const [edges, kinds] = await Promise.all([reader.parents(runId, node), reader.kinds(runId)])
  const found: Payload[] = []
  let bytes = 0
  for (let at = 0; at < edges.length; at += pageSize) {
    const rows = (
      await reader.nodesAt(
        runId,
        edges.slice(at, at + pageSize).map((edge) => edge.from),
      )
    ).filter((row) => row.state === 'finished')
    const outputs = await reader.texts(
      runId,
      'outputs',
      rows.map((row) => row.index),
    )
    for (const [i, row] of rows.entries()) {
      const output = outputs[i] ?? ''
      bytes += output.length
      found.push(read({ id: String(row.index), class: kinds[row.kind]?.class ?? '', output }))
    }
    if (bytes > maxBytes) {
      throw new RuntimeError(
        'ERR_TOO_LARGE',
        `payloads of job ${index}: expected at most ${maxBytes} bytes from its ${edges.length} parents, got more; let them store their results elsewhere and return addresses`,
      )
    }
  }
  return found
}

function read({ id, class: name, output }: { id: string; class: string; output: string }): Payload {
  return { id, class: name, output: output === '' ? undefined : (JSON.parse(output) as unknown) }
}
