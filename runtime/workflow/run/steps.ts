import { head } from '../../../config/clip.ts'
import type { Clock } from '../../core/clock.ts'
import { parseLossless } from '../../core/codec.ts'
import { RuntimeError } from '../../core/errors.ts'
import { jsonText } from '../../core/json-text.ts'
import type { NodeKind } from '../../store/runs/run-writer.ts'
import { kindOf } from '../../store/runs/run-kinds.ts'
import { readMemoryField } from '../../store/runs/memory.ts'
import type { StartedStep, Runs } from '../../store/runs/runs.ts'
import { scriptJson } from '../../store/connection/connection.ts'
import type {
  ErrorRecord,
  JobSettings,
  MemoryRequest,
  Outcome,
  Payload,
  ReadyStep,
  StepContext,
  StepEnd,
} from '../../messages.ts'
import { planAdditions } from '../graph/additions.ts'
import { StepMemory } from '../memory/step-memory.ts'
import type { RunReader } from '../../store/runs/run-reader.ts'

/** Class of the queue items that are workflow steps: `{"class":"ResqueRuntime::Step","args":[run, node, class]}`. */
export const stepClass = 'ResqueRuntime::Step'

/** Bounds of what a run carries. */
export interface StepLimits {
  /** One output. */
  maxOutputBytes: number
  /** All outputs that one step is given. */
  maxPayloadsBytes: number
}

/** Serves a supervisor whose jobs are steps of runs: the worker's StepSource. */
export class Steps {
  readonly className = stepClass
  readonly #runs: Runs
  readonly #clock: Clock
  readonly #limits: StepLimits
  readonly #memory: StepMemory

  constructor(runs: Runs, clock: Clock, limits: StepLimits) {
    this.#runs = runs
    this.#clock = clock
    this.#limits = limits
    this.#memory = new StepMemory(runs.memories, runs.read)
  }

  /**
   * Marks a delivered step running and gathers what it needs; or says why it is to be dropped.
   * @throws RuntimeError ERR_ARGUMENT for arguments that are no step's, ERR_TOO_LARGE for payloads beyond the limit
   */
  async prepare(job: { id: string; attempt: number }, args: string): Promise<ReadyStep | { gone: string }> {
    const { run, index } = stepArgs(args)
    const begun = await this.#runs.begin(run, index, job.id, job.attempt, this.#clock.now())
    if (begun === 'gone') return { gone: `job ${index} of run ${run} has ended, or its run is stopped or removed` }
    if (begun === 'busy') return { gone: `job ${index} of run ${run} is another's already` }
    const kind = JSON.parse(begun.kind) as NodeKind & { options?: JobSettings }
    const params = mergeParams(begun.globals, begun.params)
    const payloads = await collectPayloads(this.#runs.read, run, index, begun, this.#limits.maxPayloadsBytes)
    const memory = readMemoryField(begun.memory)
    const { options = {} } = kind
    const context = {
      ...{ workflowId: run, nodeId: String(index), workflowClass: begun.runClass, params, payloads },
      ...(options.trace ? { trace: options.trace } : {}),
    }
    return {
      className: kind.class,
      args: `[${params}]`,
      context: memory ? { ...context, memory } : context,
      options,
    }
  }

  /** Writes what a step adds to its run; the step's end joins it. @throws RuntimeError ERR_TOO_LARGE, ERR_GRAPH; MemoryConflict */
  async done(
    step: StepContext,
    { result, additions, skipChildren, remembered }: Extract<Outcome, { kind: 'done' }>,
  ): Promise<StepEnd> {
    const size = Buffer.byteLength(result ?? '')
    if (size > this.#limits.maxOutputBytes) {
      throw new RuntimeError(
        'ERR_TOO_LARGE',
        `output: expected at most ${this.#limits.maxOutputBytes} bytes, got ${size}; store it elsewhere and return its address, or raise limits.maxResultBytes`,
      )
    }
    const memory =
      step.memory && result !== undefined && !remembered ? await this.#memory.merge(step, result) : undefined
    const grow = additions?.length
      ? await this.#runs.stage(
          step.workflowId,
          await planAdditions(this.#runs.read, step.workflowId, additions, step.trace),
        )
      : undefined
    const extra = {
      ...(skipChildren ? { force_skip: true } : {}),
      ...(grow ? { grow } : {}),
      ...(memory ? { memory } : {}),
    }
    return {
      ...(result === undefined ? {} : { output: result }),
      ...(Object.keys(extra).length > 0 ? { extra: scriptJson(extra) } : {}),
    }
  }

  /** Reads and writes the memory of the run of a step under way. */
  remember(step: StepContext, job: string, ask: MemoryRequest): Promise<Record<string, string>> {
    return this.#memory.answer(step, job, ask)
  }

  /** What the run keeps of a final failure: bounded, since a hundred thousand nodes may fail. */
  failed({ name, message, backtrace }: ErrorRecord): StepEnd {
    const error = {
      name: head(name, 100),
      message: head(message, 500),
      backtrace: backtrace.slice(0, 3).map((line) => head(line, 200)),
    }
    return { extra: scriptJson({ error: JSON.stringify(error) }) }
  }

  /** Goes on with what runs have left to do. */
  async advance(): Promise<void> {
    await this.#runs.advance(this.#clock.now())
  }

  /** Removes runs whose time to live is over. */
  async sweep(): Promise<void> {
    while ((await this.#runs.sweep(this.#clock.now())) > 0);
  }
}

/** Run and node of a step's queue item. */
function stepArgs(text: string): { run: string; index: number } {
  const args: unknown = JSON.parse(text)
  const [run, node] = Array.isArray(args) ? (args as unknown[]) : []
  if (typeof run === 'string' && run !== '' && typeof node === 'string' && /^\d{1,9}$/.test(node))
    return { run, index: Number(node) }
  throw new RuntimeError('ERR_ARGUMENT', `${stepClass}: expected arguments [run, node, class], got ${head(text, 200)}`)
}

/** JSON text: globals with the node's own params over them; params that are no object stand for themselves. */
function mergeParams(globals: string, params: string): string {
  if (globals === '') return params === '' ? '{}' : params
  const own: unknown = params === '' ? {} : parseLossless(params)
  if (typeof own !== 'object' || own === null || Array.isArray(own)) return params
  return jsonText({ ...(parseLossless(globals) as object), ...own })
}

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
  begun: StartedStep,
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
      found.push(read({ id: String(row.index), class: kindOf(kinds, row).class, output }))
    }
    const fitting = Math.floor((pageBytes * at) / Math.max(bytes, 1))
    size = Math.max(1, Math.min(pageSize, size * 8, fitting))
  }
  return found
}

function read({ id, class: name, output }: { id: string; class: string; output: string }): Payload {
  return { id, class: name, ...(output === '' ? {} : { output }) }
}
