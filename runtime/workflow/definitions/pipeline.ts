import { readYaml } from '../../../config/yaml.ts'
import { RuntimeError } from '../../core/errors.ts'
import { findNotJson } from '../../core/json-check.ts'
import type { JobSettings, RetryPolicy } from '../../messages.ts'
import type { Graph } from '../graph/graph.ts'
import {
  type ClassResolver,
  type PipelineDefinition,
  type PipelineProblem,
  type PipelineStep,
  checkKeys,
  checkParams,
  checkStep,
  isMapping,
  nameProblem,
  shown,
  type CheckScope,
} from '../pipelines/definition.ts'

/** Most steps of one pipeline. */
const mostSteps = 1000
const pipelineKeys = ['name', 'jobs', 'params', 'queue', 'description']

/** How a file is read. */
export interface ReadOptions {
  /** Named in messages. */
  file?: string
  /** The pipeline's name, where the file has one definition and no `name` in it, as Rush's `definition` column has it. */
  name?: string
  /** The application's classes; without them classes are taken as they are named. */
  resolver?: ClassResolver
}

/**
 * Reads pipelines: `pipelines.yml` (name → `{ jobs: […] }`), the same as JSON, one bare Rush definition (`{ "jobs": […] }`
 * with a `name` in it or beside it), a list of such, or rows of Rush's `pipeline` table (`[{ name, definition }]`).
 * @throws RuntimeError ERR_PIPELINE with every problem and its place
 */
export function readPipelines(text: string, options: ReadOptions = {}): PipelineDefinition[] {
  const { file = 'pipelines' } = options
  const problems: PipelineProblem[] = []
  const scope: CheckScope = {
    tell: (path, message) => problems.push({ path, message }),
    ...(options.resolver ? { resolver: options.resolver } : {}),
  }
  const definitions = entriesOf(parse(text, file), options, scope).map(([name, value]) =>
    checkPipeline(name, value, scope),
  )
  if (definitions.length === 0 && problems.length === 0) scope.tell(file, 'expected at least one pipeline, got none')
  if (problems.length === 0) return definitions
  const lines = problems.map(({ path, message }) => (path === file ? message : `${path}: ${message}`))
  throw new RuntimeError(
    'ERR_PIPELINE',
    lines.length === 1 ? `${file}: ${lines[0]}` : `${file}: ${lines.length} problems\n  ${lines.join('\n  ')}`,
  )
}

/** YAML is a superset of JSON, and says line and column. */
function parse(text: string, file: string): unknown {
  const yaml = readYaml(text)
  if ('flaw' in yaml)
    throw new RuntimeError('ERR_PIPELINE', `${file}: expected YAML or JSON: ${yaml.flaw.message.trim()}`)
  const { value } = yaml
  const bad = findNotJson(value ?? {}, file)
  if (bad) throw new RuntimeError('ERR_PIPELINE', bad)
  return value
}

/** Name and definition, whichever of the shapes came. */
function entriesOf(value: unknown, { name, file = 'pipelines' }: ReadOptions, scope: CheckScope): [string, unknown][] {
  if (Array.isArray(value)) return value.flatMap((row, i) => rowOf(row, `${file}[${i}]`, scope))
  if (!isMapping(value)) {
    scope.tell(file, `expected a mapping of pipeline names to { jobs: […] }, got ${shown(value)}`)
    return []
  }
  if (!Array.isArray(value.jobs)) return Object.entries(value)
  const own = typeof value.name === 'string' ? value.name : name
  if (own !== undefined) return [[own, value]]
  scope.tell(file, 'one definition without a name: put "name" beside "jobs", or use --name')
  return []
}

function rowOf(row: unknown, path: string, scope: CheckScope): [string, unknown][] {
  if (isMapping(row) && typeof row.name === 'string' && Array.isArray(row.jobs)) return [[row.name, row]]
  if (!isMapping(row) || typeof row.name !== 'string' || row.definition === undefined) {
    scope.tell(
      path,
      `expected { name, jobs }, or a row { name, definition } of Rush's pipeline table, got ${shown(row)}`,
    )
    return []
  }
  if (typeof row.definition !== 'string') return [[row.name, row.definition]]
  try {
    return [[row.name, JSON.parse(row.definition)]]
  } catch (error) {
    scope.tell(`${path}.definition`, `expected JSON: ${(error as Error).message}`)
    return []
  }
}

function checkPipeline(name: string, value: unknown, outer: CheckScope): PipelineDefinition {
  const definition: PipelineDefinition = { name, params: {}, steps: [] }
  const problem = nameProblem(name)
  if (problem) outer.tell(shown(name), problem)
  if (!isMapping(value) || !Array.isArray(value.jobs)) {
    outer.tell(name, `expected { jobs: [{ name, class_name, … }] }, got ${shown(value)}`)
    return definition
  }
  checkKeys(value, pipelineKeys, name, outer)
  if (value.name !== undefined && value.name !== name)
    outer.tell(
      `${name}.name`,
      `expected ${shown(name)}, the name above it, got ${shown(value.name)}; leave one of them out`,
    )
  const { jobs, queue, description } = value as { jobs: unknown[]; queue?: unknown; description?: unknown }
  if (queue !== undefined && (typeof queue !== 'string' || queue === ''))
    outer.tell(`${name}.queue`, `expected a name, got ${shown(queue)}`)
  const scope: CheckScope = { ...outer, ...(typeof queue === 'string' ? { queue } : {}) }
  if (jobs.length === 0 || jobs.length > mostSteps)
    outer.tell(`${name}.jobs`, `expected 1 to ${mostSteps} steps, got ${jobs.length}`)
  definition.steps = jobs
    .map((job, i) => checkStep(job, `${name}.jobs[${i}]`, scope))
    .filter((step) => step !== undefined)
  const seen = new Map<string, number>()
  definition.steps.forEach((step, i) => {
    if (seen.has(step.name))
      outer.tell(
        `${name}.jobs[${i}].name`,
        `${shown(step.name)} is the name of jobs[${seen.get(step.name)}], too; a step is known by its name`,
      )
    else seen.set(step.name, i)
  })
  definition.params = checkParams(value.params, `${name}.params`, outer)
  if (typeof description === 'string') definition.description = description
  if (scope.queue !== undefined) definition.queue = scope.queue
  return definition
}

/** What one run of a pipeline is. */
export interface CompileOptions {
  /** The step to begin with; those before it are not part of the run. */
  first?: string
  /** Parameters of each step, all levels merged. */
  paramsOf: (step: PipelineStep) => Record<string, unknown>
}

/**
 * A pipeline's graph: a chain of its steps. Pure.
 * @throws RuntimeError ERR_NOT_FOUND when there is no such step
 */
export function compilePipeline(definition: PipelineDefinition, { first, paramsOf }: CompileOptions): Graph {
  const from = first === undefined ? 0 : definition.steps.findIndex(({ name }) => name === first)
  if (from < 0) throw unknownStep(definition, first ?? '')
  const nodes = definition.steps.slice(from).map((step, i) => ({
    className: step.class,
    label: step.name,
    queue: step.queue,
    params: paramsOf(step),
    options: optionsOf(step),
    parents: i === 0 ? [] : [{ from: i - 1, when: 'finished' as const }],
  }))
  return { nodes, ...(definition.queue === undefined ? {} : { queue: definition.queue }) }
}

/** After each failure the same gap, with nothing random in it: Rush's. */
const fixedRetry = ({ limit, gapMs }: { limit: number; gapMs: number }): RetryPolicy => ({
  ...{ limit, delayMs: gapMs, maxDelayMs: gapMs, backoff: 'fixed', jitter: 0, on: [], not: [] },
})

/** What a step does not say, its class does. */
function optionsOf({ timeoutMs, memoryLimitBytes, retry }: PipelineStep): JobSettings {
  return {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
    ...(retry === undefined ? {} : { retry: fixedRetry(retry) }),
  }
}

/** The error for a step that a pipeline does not have. */
export function unknownStep({ name, steps }: PipelineDefinition, step: string): RuntimeError {
  return new RuntimeError(
    'ERR_NOT_FOUND',
    `pipeline ${name} has no step ${shown(step)}; its steps are ${steps.map((one) => one.name).join(', ')}`,
  )
}
