import { RuntimeError } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import { findNotJson } from '../../core/json-check.ts'
import { jsonText } from '../../core/json-text.ts'
import { parseLossless } from '../../core/codec.ts'
import { checkId } from '../../jobs/client.ts'
import type { RunRequest } from '../../store/runs/pipelines.ts'
import type { RunRecord } from '../../store/runs/run-reader.ts'
import type { RunTarget } from '../run/create-run.ts'
import { type ReadOptions, readPipelines, unknownStep } from '../definitions/pipeline.ts'
import { WorkflowRun } from '../run/workflow-run.ts'
import { type PipelineDefinition, isMapping, nameProblem, shown } from './definition.ts'
import { currentRun, loadSteps, type PipelineRunInfo, type PipelineStepInfo, runInfo } from './pipeline-run.ts'
import { decideRequest, readDefinition } from './requests.ts'
import { defaultTarget } from '../definitions/workflow.ts'

/**
 * What a run request may say beside the pipeline's name.
 * @example
 * ```ts
 * const options: RequestOptions = { id: 'nightly-17', params: { day: 'monday' } }
 * await pipelines().run('example_pipeline', options) // may be repeated: the id makes it one request
 * ```
 */
export interface RequestOptions {
  /** The step to begin with. */
  first?: string
  /** Runs of one instance never overlap; 1 by default. */
  instance?: number
  /** Over the step's and the pipeline's own. */
  params?: Record<string, unknown>
  /** Who asks, for the list of requests. */
  by?: string
  /** Of your own: a second request with the same id writes nothing, and is the first one. */
  id?: string
}

/**
 * Pipelines: definitions, parameters, run requests and runs, on the workflow engine.
 * @example
 * ```ts
 * const all: Pipelines = pipelines()
 * await all.load('nightly: { queue: etl, jobs: [{ name: load, class_name: LoadJob }] }')
 * const runs = await all.runs('nightly')
 * ```
 */
export class Pipelines {
  readonly #target: RunTarget

  constructor(target: RunTarget) {
    this.#target = target
  }

  /** Stores every pipeline of a file's text. @throws RuntimeError ERR_PIPELINE; then none is stored */
  async load(
    text: string,
    options: ReadOptions = {},
  ): Promise<{ name: string; version: number; isNew: boolean; steps: number }[]> {
    const loaded = []
    for (const definition of readPipelines(text, options)) {
      const { version, isNew } = await this.#target.store.pipelines.load(definition.name, JSON.stringify(definition))
      loaded.push({ name: definition.name, version, isNew, steps: definition.steps.length })
    }
    return loaded
  }

  /** Every pipeline, by name, in its latest version. */
  async list(): Promise<{ version: number; definition: PipelineDefinition }[]> {
    const names = await this.#target.store.pipelines.names()
    return Promise.all([...names.keys()].map((name) => this.find(name)))
  }

  /** @throws RuntimeError ERR_NOT_FOUND */
  async find(name: string, version?: number): Promise<{ version: number; definition: PipelineDefinition }> {
    return readDefinition(this.#target, name, version)
  }

  /**
   * Removes a pipeline, all its versions and the parameters that were set. Its runs and requests stay.
   * @throws RuntimeError ERR_NOT_FOUND, ERR_STATE while a run is under way
   */
  async remove(name: string): Promise<void> {
    const reply = await this.#target.store.pipelines.remove(name)
    if ('run' in reply)
      throw new RuntimeError(
        'ERR_STATE',
        `pipeline ${name}: expected no run under way, run ${reply.run} is; wait for its end, or stop it`,
      )
    if (!reply.removed) await this.find(name)
  }

  /** Parameters that were set, by level: `''` is the pipeline, else a step. @throws RuntimeError ERR_NOT_FOUND */
  async params(name: string): Promise<Record<string, Record<string, unknown>>> {
    await this.find(name)
    const set = await this.#target.store.pipelines.params(name)
    return Object.fromEntries(
      [...set].map(([level, pairs]) => [
        level,
        Object.fromEntries([...pairs].map(([key, text]) => [key, parseLossless(text)])),
      ]),
    )
  }

  /** Sets parameters for the runs to come; undefined takes one away. @throws RuntimeError ERR_NOT_FOUND, ERR_ARGUMENT */
  async setParams(name: string, params: Record<string, unknown>, step?: string): Promise<void> {
    const { definition } = await this.find(name)
    if (step !== undefined && !definition.steps.some((one) => one.name === step)) throw unknownStep(definition, step)
    for (const [key, value] of Object.entries(params)) {
      const bad = nameProblem(key) ?? (value === undefined ? undefined : findNotJson(value, key, { bigint: true }))
      if (bad) throw new RuntimeError('ERR_ARGUMENT', `parameter of ${name}: ${bad}`)
      await this.#target.store.pipelines.setParam(
        name,
        step ?? '',
        key,
        value === undefined ? undefined : jsonText(value),
      )
    }
  }

  /** Writes a run request; it runs nothing yet. @returns its id @throws RuntimeError ERR_ARGUMENT, ERR_NOT_JSON */
  async request(name: string, options: RequestOptions = {}): Promise<string> {
    const { first, instance = 1, params = {}, by = 'api', id = newId(this.#target.clock.now()) } = options
    if (!Number.isSafeInteger(instance) || instance < 1) {
      throw new RuntimeError(
        'ERR_ARGUMENT',
        `instance of ${shown(name)}: expected a whole number from 1, got ${shown(instance)}`,
      )
    }
    const bad = nameProblem(name) ?? (isMapping(params) ? findNotJson(params, 'params', { bigint: true }) : undefined)
    if (bad) throw new RuntimeError('ERR_ARGUMENT', `run request: ${bad}`)
    if (!isMapping(params))
      throw new RuntimeError('ERR_ARGUMENT', `run request: params: expected an object, got ${shown(params)}`)
    checkId(id, `run request of ${name}`)
    const { store, clock } = this.#target
    await store.pipelines.request({ id, pipeline: name, first, instance, params: jsonText(params), by }, clock.now())
    return id
  }

  /** Accepts a pending request and starts its run, or rejects it with a reason. */
  async decide(request: string): Promise<RunRequest> {
    return decideRequest(this.#target, request)
  }

  /** Requests a run, and has it decided at once. @returns the request; `status` says what became of it */
  async run(name: string, options: RequestOptions = {}): Promise<RunRequest> {
    return this.decide(await this.request(name, options))
  }

  /** Run requests, newest first. */
  async requests({ pipeline, limit = 50 }: { pipeline?: string; limit?: number } = {}): Promise<RunRequest[]> {
    const found: RunRequest[] = []
    let after: string | undefined
    do {
      const page = await this.#target.store.pipelines.requests(200, after)
      found.push(...page.requests.filter((request) => pipeline === undefined || request.pipeline === pipeline))
      after = page.last
    } while (after !== undefined && found.length < limit)
    return found.slice(0, limit)
  }

  /** Runs of a pipeline, newest first, and the step that each is at. */
  async runs(name: string, limit = 50): Promise<PipelineRunInfo[]> {
    const { store, clock } = this.#target
    const records = await store.runs.read.list({ class: name, from: 0, to: limit - 1, order: 'desc' })
    return Promise.all(
      records
        .filter((record) => record.fields.pipeline !== undefined)
        .map((record) => currentRun(store, record, clock.now())),
    )
  }

  /** One run with its steps. @throws RuntimeError ERR_NOT_FOUND */
  async show(runId: string): Promise<PipelineRunInfo & { steps: PipelineStepInfo[] }> {
    const { store, clock } = this.#target
    const record = await this.#record(runId)
    const steps = await loadSteps(store, record, clock.now())
    return { ...runInfo(record, steps), steps }
  }

  /** Runs the Stuck step again: its attempts start over. @throws RuntimeError ERR_STATE, ERR_NOT_FOUND */
  async retry(runId: string, step?: string): Promise<void> {
    await this.#mend(runId, step, 'retry')
  }

  /** Goes on without the Stuck step. @throws RuntimeError ERR_STATE, ERR_NOT_FOUND */
  async skip(runId: string, step?: string): Promise<void> {
    await this.#mend(runId, step, 'skip')
  }

  /** Stops a run: nothing more of it starts, and the running step is asked to stop. @throws RuntimeError ERR_NOT_FOUND */
  async stop(runId: string): Promise<void> {
    await this.#record(runId)
    await (await WorkflowRun.open(this.#target, runId)).stop()
  }

  /** Waits for the end of a run: all steps Complete, one Stuck, or stopped. @throws RuntimeError ERR_TIMEOUT */
  async wait(
    runId: string,
    options: { timeout?: string | number } = {},
  ): Promise<PipelineRunInfo & { steps: PipelineStepInfo[] }> {
    await (await WorkflowRun.open(this.#target, runId)).wait(options)
    return this.show(runId)
  }

  async #mend(runId: string, name: string | undefined, verb: 'retry' | 'skip'): Promise<void> {
    const { steps, status } = await this.show(runId)
    const step =
      name === undefined ? steps.find(({ state }) => state === 'Stuck') : steps.find((one) => one.name === name)
    if (!step && name !== undefined) {
      throw new RuntimeError(
        'ERR_NOT_FOUND',
        `run ${runId} has no step ${shown(name)}; its steps are ${steps.map((one) => one.name).join(', ')}`,
      )
    }
    if (step?.state !== 'Stuck') {
      const is = step ? `${step.name} is ${step.state}` : `none is (the run is ${status})`
      throw new RuntimeError('ERR_STATE', `${verb} of run ${runId}: expected a step that is Stuck, ${is}`)
    }
    await this.#target.store.runs.decide(runId, step.index, verb, this.#target.clock.now())
  }

  async #record(runId: string): Promise<RunRecord> {
    const record = await this.#target.store.runs.read.find(runId)
    if (record?.fields.pipeline !== undefined) return record
    throw new RuntimeError(
      'ERR_NOT_FOUND',
      `no pipeline and no run of one is called ${shown(runId)}: it never was, or its time to live is over; \`runtime pipeline runs\` lists them, and \`runtime archive search --kind pipeline\` those before`,
    )
  }
}

/**
 * Pipelines on this process's own Redis: `await pipelines().run('example_pipeline', { instance: 2, params: { day: 'monday' } })`.
 * The request that comes back says Accepted, with its run, or Rejected, with the reason.
 * @throws RuntimeError ERR_CONFIG for settings that are wrong
 * @example
 * ```ts
 * const request = await pipelines().run('example_pipeline', { instance: 2, params: { day: 'monday' } })
 * console.log(request.status, request.run ?? request.reason)
 * ```
 */
export function pipelines(): Pipelines {
  return new Pipelines(defaultTarget())
}
