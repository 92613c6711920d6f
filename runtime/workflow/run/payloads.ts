import { RuntimeError } from '../../core/errors.ts'
import type { RunReader } from '../../store/runs/run-reader.ts'
import type { BegunStep } from '../../store/runs/runs.ts'
import type { Payload } from '../../wire.ts'

/** Parents whose outputs are read in one round trip: few at first, more when they turn out to be small. */
const firstPage = 4
const pageSize = 1000
/** About as many bytes of outputs; short enough that Redis blocks no other client. */
const pageBytes = 1024 ** 2

/**
 * Outputs of a step's direct parents that finished, in the order of the parents. Few come with the step; large ones and a wide
 * fan-in (a report after a hundred thousand rows) are read in pages here, outside any script.
 * @throws RuntimeError ERR_TOO_LARGE when together they are larger than `maxBytes`
 */
export async function collectPayloads(
  reader: RunReader,
  runId: string,
  index: number,
  begun: BegunStep,
  maxBytes: number,
): Promise<Payload[]> {
  let bytes = 0
  let { parents } = begun
  const count = (output: string): void => {
    bytes += Buffer.byteLength(output)
    if (bytes <= maxBytes) return
    throw new RuntimeError(
      'ERR_TOO_LARGE',
      `payloads of job ${index}: expected at most ${maxBytes} bytes from its ${parents} parents, got more; let them store their results elsewhere and return addresses`,
    )
  }
  if (begun.payloads !== 'many') {
    for (const { output } of begun.payloads) count(output)
    return begun.payloads.map(read)
  }
  const [node] = await reader.nodes(runId, index, index + 1)
  if (!node) return []
  const [edges, kinds] = await Promise.all([reader.parents(runId, node), reader.kinds(runId)])
  parents = edges.length
  const found: Payload[] = []
  for (let at = 0, size = firstPage; at < edges.length;) {
    const page = edges.slice(at, at + size)
    at += page.length
    const nodes = await reader.nodesAt(
      runId,
      page.map((edge) => edge.from),
    )
    const rows = nodes.filter((row) => row.state === 'finished')
    const outputs = await reader.texts(
      runId,
      'outputs',
      rows.map((row) => row.index),
    )
    for (const [i, row] of rows.entries()) {
      const output = outputs[i] ?? ''
      count(output)
      found.push(read({ id: String(row.index), class: kinds[row.kind]?.class ?? '', output }))
    }
    const fitting = Math.floor((pageBytes * at) / Math.max(bytes, 1))
    size = Math.max(1, Math.min(pageSize, size * 8, fitting))
  }
  return found
}

function read({ id, class: name, output }: { id: string; class: string; output: string }): Payload {
  return { id, class: name, ...(output === '' ? {} : { output }) }
}
