import type { PageBounds } from '../core/cursor.ts'
import { didYouMean } from '../../config/did-you-mean.ts'
import { RuntimeError } from '../core/errors.ts'
import type { RunRequest } from '../store/runs/pipelines.ts'
import type { PipelineDefinition } from '../workflow/pipelines/definition.ts'
import { currentRun, type PipelineRunInfo } from '../workflow/pipelines/pipeline-run.ts'
import { Pipelines } from '../workflow/pipelines/pipelines.ts'
import type { InspectContext } from './context.ts'
import { runTarget } from './runs.ts'

/** A pipeline in its latest version, as a list shows it. */
export interface PipelineRow {
  name: string
  version: number
  definition: PipelineDefinition
  /** Undefined when it has not run, or its runs are past their time to live. */
  latest: PipelineRunInfo | undefined
}

/** One pipeline. */
export interface PipelineView {
  version: number
  definition: PipelineDefinition
  /** Parameters that were set, by level: `''` is the pipeline, else a step. */
  params: Record<string, Record<string, unknown>>
}

/** A page of run requests, newest first. */
export interface RequestPage {
  requests: RunRequest[]
  /** Goes on with older ones; undefined at the end. A page may be empty and have a cursor. */
  next: string | undefined
}

/** Requests that one step reads, and that one page looks at. */
const stepSize = 200
const lookedRequests = 1000

/** The pipelines of a store: for what requests or changes a run. */
export const openPipelines = (place: InspectContext): Pipelines => new Pipelines(runTarget(place))

/** Every pipeline with its latest run, by name. */
export async function pipelineRows(place: InspectContext): Promise<PipelineRow[]> {
  const all = await openPipelines(place).list()
  return Promise.all(
    all.map(async ({ version, definition }) => {
      const [latest] = await pipelineRuns(place, definition.name, 1)
      return { name: definition.name, version, definition, latest }
    }),
  )
}

/** One version of a pipeline, the latest by default, and the parameters that were set. @throws RuntimeError ERR_NOT_FOUND */
export async function pipelineView(place: InspectContext, name: string, version?: number): Promise<PipelineView> {
  const pipelines = openPipelines(place)
  const [found, params] = await Promise.all([pipelines.find(name, version), pipelines.params(name)])
  return { ...found, params }
}

/** True when a pipeline has this name. */
export async function isPipeline({ store }: Pick<InspectContext, 'store'>, name: string): Promise<boolean> {
  return (await store.pipelines.names()).has(name)
}

/** @throws RuntimeError ERR_NOT_FOUND for a name that no pipeline has */
export async function requirePipeline({ store }: Pick<InspectContext, 'store'>, name: string): Promise<void> {
  const names = await store.pipelines.names()
  if (names.has(name)) return
  const hint =
    names.size === 0
      ? '; none is loaded: run `runtime pipeline load pipelines.yml`'
      : didYouMean(name, names.keys()) || `; there are ${[...names.keys()].join(', ')}`
  throw new RuntimeError('ERR_NOT_FOUND', `unknown pipeline ${JSON.stringify(name)}${hint}`)
}

/** The latest runs of a pipeline, or of all, newest first, with the step that each is at. Reads the steps of `count` runs. */
export async function pipelineRuns(
  { store }: Pick<InspectContext, 'store'>,
  name: string | undefined,
  count = 50,
): Promise<PipelineRunInfo[]> {
  const names = name === undefined ? [...(await store.pipelines.names()).keys()] : [name]
  const records = await Promise.all(
    names.map((each) => store.runs.read.list({ class: each, from: 0, to: count - 1, order: 'desc' })),
  )
  const latest = records
    .flat()
    .filter(({ fields }) => fields.pipeline !== undefined)
    .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
    .slice(0, count)
  return Promise.all(latest.map((record) => currentRun(store, record, Date.now())))
}

/**
 * Requests to run a pipeline, or any, newest first, after the one that `cursor` is. Each call looks at no more than
 * {@link lookedRequests} requests.
 */
export async function requestPage(
  { store }: Pick<InspectContext, 'store'>,
  { pipeline }: { pipeline?: string | undefined } = {},
  { cursor, count = 50 }: Omit<PageBounds, 'mostMs'> = {},
): Promise<RequestPage> {
  const requests: RunRequest[] = []
  let next = cursor
  for (let looked = 0; looked < lookedRequests; looked += stepSize) {
    const step = await store.pipelines.requests(stepSize, next)
    for (const request of step.requests) {
      if (pipeline !== undefined && request.pipeline !== pipeline) continue
      if (requests.length === count) return { requests, next: requests.at(-1)?.id }
      requests.push(request)
    }
    next = step.last
    if (next === undefined) break
  }
  return { requests, next }
}
