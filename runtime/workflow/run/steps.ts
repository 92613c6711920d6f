import { head } from '../../../config/clip.ts'
import type { Clock } from '../../core/clock.ts'
import { parseLossless } from '../../core/codec.ts'
import { RuntimeError } from '../../core/errors.ts'
import { jsonText } from '../../core/json-text.ts'
import type { NodeKind } from '../../store/runs/run-writer.ts'
import { readMemoryField } from '../../store/runs/memory.ts'
import type { Runs } from '../../store/runs/runs.ts'
import { scriptJson } from '../../store/connection/script.ts'
import type { ErrorRecord, JobSettings, MemoryRequest, Outcome, ReadyStep, StepContext, StepEnd } from '../../wire.ts'
import { planAdditions } from '../graph/additions.ts'
import { collectPayloads } from './payloads.ts'
import { StepMemory } from '../memory/step-memory.ts'

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

  /** Writes what a step adds to its run; the step's end joins it. @throws RuntimeError ERR_TOO_LARGE, ERR_GRAPH; MemoryClash */
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

  /** Goes on with what runs have left to do, and removes runs whose time to live is over. */
  async tick(): Promise<void> {
    await this.#runs.advance(this.#clock.now())
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
