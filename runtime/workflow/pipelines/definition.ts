import { clip } from '../../../config/clip.ts'
import { didYouMean } from '../../../config/did-you-mean.ts'
import { duration } from '../../core/duration.ts'
import { jsonObject } from '../../core/json-text.ts'
import { bytes } from '../../core/size.ts'
import { defaultQueue } from '../graph/graph.ts'

/** A pipeline as it is stored: checked, durations in ms, classes resolved. Steps run one after another. */
export interface PipelineDefinition {
  name: string
  description?: string
  /** For jobs that its steps add and that name none, nor does their class; each step has its own. */
  queue?: string
  /** Under every step's own. */
  params: Record<string, unknown>
  steps: PipelineStep[]
}

/** One step of a pipeline. */
export interface PipelineStep {
  name: string
  /** The registered class. */
  class: string
  queue: string
  timeoutMs?: number
  memoryLimitBytes?: number
  /** Retries after the first attempt, each `gapMs` after the failure. */
  retry?: { limit: number; gapMs: number }
  params: Record<string, unknown>
}

/** Names to classes, as far as a definition needs them: which class, and which queue it says it belongs to. */
export interface ClassResolver {
  /** The class of a name, or undefined. */
  find(name: string): { name: string; queue?: string } | undefined
  names(): string[]
}

/** One thing that is wrong with a definition. */
export interface PipelineProblem {
  /** `example_pipeline.jobs[1].retry_limit` */
  path: string
  /** What was expected, what came, what to do. */
  message: string
}

/** Longest text of a name of a pipeline or a step. */
const longestName = 200
const stepKeys = [
  ...['name', 'class_name', 'class', 'timeout_minutes', 'timeout', 'retry_gap_minutes', 'retry_gap', 'retry_limit'],
  ...['queue', 'params', 'memory_limit', 'description'],
]
/** Where a retry limit comes without a gap. */
const defaultGapMs = 60_000
const minuteMs = 60_000
const longestMs = 366 * 86_400_000

/** What checks share: where problems go, which classes there are. */
export interface CheckScope {
  tell: (path: string, message: string) => void
  resolver?: ClassResolver
  /** For steps that name no queue, nor does their class. */
  queue?: string
}

type Fields = Record<string, unknown>

/** True for a plain mapping. */
export const isMapping = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The definition that a text in Redis is; undefined where it has no name, parameters or steps. */
export function storedDefinition(text: string): PipelineDefinition | undefined {
  const read: Partial<Record<keyof PipelineDefinition, unknown>> = jsonObject(text) ?? {}
  const isText = (value: unknown): boolean => typeof value === 'string'
  const isStep = (step: unknown): boolean =>
    isMapping(step) && [step['name'], step['class'], step['queue']].every(isText) && isMapping(step['params'])
  const isWhole = isText(read.name) && isMapping(read.params) && Array.isArray(read.steps) && read.steps.every(isStep)
  return isWhole ? (read as PipelineDefinition) : undefined
}

/** A value, short, for messages. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'number') return String(value)
  return clip(JSON.stringify(value) ?? typeof value, 60)
}

/** Tells of every key that is not among `known`. */
export function checkKeys(fields: Fields, known: readonly string[], path: string, { tell }: CheckScope): void {
  for (const key of Object.keys(fields)) {
    if (!known.includes(key))
      tell(`${path}.${key}`, `unknown key${didYouMean(key, known) || `; expected ${known.join(', ')}`}`)
  }
}

/** What is wrong with a name of a pipeline, a step or a parameter; undefined when it will do. */
export function nameProblem(name: unknown): string | undefined {
  if (typeof name !== 'string' || name.trim() === '') return `expected a name, got ${shown(name)}`
  // eslint-disable-next-line no-control-regex -- control characters are what it must not have
  if (name.length > longestName || /[\u0000-\u001f/]/.test(name)) {
    return `expected at most ${longestName} characters without a slash or a line break, got ${shown(name)}`
  }
  return undefined
}

/** Parameters: an object of JSON values. */
export function checkParams(value: unknown, path: string, { tell }: CheckScope): Record<string, unknown> {
  if (value === undefined || value === null) return {}
  if (!isMapping(value)) {
    tell(path, `expected a mapping of names to values, got ${shown(value)}`)
    return {}
  }
  for (const name of Object.keys(value)) {
    const problem = nameProblem(name)
    if (problem) tell(`${path}.${name}`, problem)
  }
  return value
}

/** Checks one step and reports what is wrong; the returned step is then not to be used. */
export function checkStep(value: unknown, path: string, scope: CheckScope): PipelineStep | undefined {
  const { tell } = scope
  if (!isMapping(value)) {
    tell(path, `expected a mapping with name and class_name, got ${shown(value)}`)
    return undefined
  }
  checkKeys(value, stepKeys, path, scope)
  const problem = nameProblem(value.name)
  if (problem) tell(`${path}.name`, problem)
  const type = classOf(value, path, scope)
  const timeoutMs = span(value, 'timeout', path, scope, 1)
  const retry = retryOf(value, path, scope)
  const memoryLimitBytes = memoryOf(value.memory_limit, path, scope)
  const { queue } = value
  if (queue !== undefined && (typeof queue !== 'string' || queue === ''))
    tell(`${path}.queue`, `expected a name, got ${shown(queue)}`)
  return {
    name: String(value.name),
    class: type?.name ?? '?',
    queue: typeof queue === 'string' ? queue : (type?.queue ?? scope.queue ?? defaultQueue),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
    ...(retry === undefined ? {} : { retry }),
    params: checkParams(value.params, `${path}.params`, scope),
  }
}

/** `jobs.dummy_job.DummyJob` is Python's path to a class: its last part is the class. */
function classOf(
  value: Fields,
  path: string,
  { tell, resolver }: CheckScope,
): { name: string; queue?: string } | undefined {
  const key = value.class_name === undefined && value.class !== undefined ? 'class' : 'class_name'
  const given = value[key]
  if (value.class_name !== undefined && value.class !== undefined)
    tell(`${path}.class`, 'expected class_name or class, got both')
  if (typeof given !== 'string' || given.trim() === '') {
    tell(`${path}.${key}`, `expected the name of a job class, got ${shown(given)}`)
    return undefined
  }
  const last = given.slice(given.lastIndexOf('.') + 1)
  if (!resolver) return { name: last }
  const found = resolver.find(given) ?? resolver.find(last)
  if (!found)
    tell(
      `${path}.${key}`,
      `unknown class ${last}${didYouMean(last, resolver.names()) || '; export a Job of that name under the jobs folders'}`,
    )
  return found
}

/** `<name>_minutes` (Rush) or `<name>` (a duration). */
function span(value: Fields, name: string, path: string, { tell }: CheckScope, leastMs: number): number | undefined {
  const [minutes, text] = [value[`${name}_minutes`], value[name]]
  if (minutes !== undefined && text !== undefined) {
    tell(`${path}.${name}`, `expected ${name}_minutes or ${name}, got both`)
    return undefined
  }
  if (minutes !== undefined) {
    const ms = typeof minutes === 'number' ? Math.round(minutes * minuteMs) : NaN
    if (ms >= leastMs && ms <= longestMs) return ms
    tell(
      `${path}.${name}_minutes`,
      `expected a number of minutes${leastMs > 0 ? ' above 0' : ', 0 or more'}, got ${shown(minutes)}`,
    )
    return undefined
  }
  if (text === undefined) return undefined
  try {
    const ms = duration(text as string)
    if (ms >= leastMs && ms <= longestMs) return ms
  } catch {
    // Reported below.
  }
  tell(
    `${path}.${name}`,
    `expected a duration like '30 minutes' or '90s'${leastMs > 0 ? ' above 0' : ''}, got ${shown(text)}`,
  )
  return undefined
}

function retryOf(value: Fields, path: string, scope: CheckScope): PipelineStep['retry'] {
  const { retry_limit: limit } = value
  const gapMs = span(value, 'retry_gap', path, scope, 0)
  if (limit === undefined || limit === null) {
    if (gapMs !== undefined)
      scope.tell(`${path}.retry_gap`, 'a gap without retry_limit does nothing; add retry_limit, or leave both out')
    return undefined
  }
  if (typeof limit === 'number' && Number.isInteger(limit) && limit >= 0 && limit <= 1000)
    return { limit, gapMs: gapMs ?? defaultGapMs }
  scope.tell(
    `${path}.retry_limit`,
    `expected a whole number from 0 to 1000, got ${shown(limit)}; leave it out for what its class says (no retries by default)`,
  )
  return undefined
}

function memoryOf(value: unknown, path: string, { tell }: CheckScope): number | undefined {
  if (value === undefined) return undefined
  try {
    return bytes(value as string)
  } catch {
    tell(`${path}.memory_limit`, `expected bytes or text like '512mb', got ${shown(value)}`)
    return undefined
  }
}
