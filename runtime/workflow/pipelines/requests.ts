import { clip, head } from '../../../config/clip.ts'
import { parseLossless } from '../../core/codec.ts'
import { hasCode, RuntimeError, toError } from '../../core/errors.ts'
import type { RunRequest } from '../../store/runs/pipelines.ts'
import { createRun, type RunTarget } from '../run/create-run.ts'
import { compilePipeline } from '../definitions/pipeline.ts'
import { storedDefinition, type PipelineDefinition, type PipelineStep } from './definition.ts'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import { Loop } from '../../core/service.ts'

/** The engine's unique name of an instance: at most one run with it is under way. */
export const instanceName = (pipeline: string, instance: number): string => `pipeline:${pipeline}:${instance}`

/**
 * Decides about a pending request: creates its run, and starts it in the step that accepts the request; or rejects it with
 * a reason. Any process may do so at any time, several at once, too: one decision counts.
 * @returns the request as decided
 */
export async function decideRequest(target: RunTarget, id: string): Promise<RunRequest> {
  const { pipelines, runs } = target.store
  const request = await required(target, id)
  if (request.status !== 'Pending') return request
  let run: string | undefined
  try {
    run = await createFor(target, request)
  } catch (thrown) {
    // Redis went away: the request stays pending, and is decided later.
    if (hasCode(thrown, 'ERR_REDIS')) throw thrown
    await pipelines.decide(id, { reason: head(toError(thrown).message, 500) }, target.clock.now())
    return required(target, id)
  }
  const reply = await pipelines.decide(id, { run }, target.clock.now())
  if (reply === 'accepted') await runs.advance(target.clock.now())
  else await runs.destroy(run).catch(() => undefined)
  return required(target, id)
}

/** Decides requests that were written and left pending. @returns how many there were */
export async function decidePending(target: RunTarget): Promise<number> {
  const ids = await target.store.pipelines.pending()
  for (const id of ids) {
    await decideRequest(target, id).catch((error: unknown) => {
      if (!hasCode(error, 'ERR_NOT_FOUND')) throw error
      return target.store.pipelines.decide(id, { reason: 'gone' }, target.clock.now())
    })
  }
  return ids.length
}

async function required({ store }: RunTarget, id: string): Promise<RunRequest> {
  const request = await store.pipelines.findRequest(id)
  if (request) return request
  throw new RuntimeError('ERR_NOT_FOUND', `no run request ${id}; \`runtime pipeline runs --requests\` lists them`)
}

async function createFor(target: RunTarget, request: RunRequest): Promise<string> {
  const { store } = target
  const { pipeline, instance, first } = request
  const found = await readDefinition(target, pipeline)
  const unique = instanceName(pipeline, instance)
  const holder = await store.pipelines.holder(unique)
  if (holder !== undefined)
    throw new RuntimeError('ERR_STATE', `instance ${instance} of ${pipeline} is running: run ${holder}`)
  const params = await levels(target, found.definition, parseLossless(request.params) as Record<string, unknown>)
  const graph = compilePipeline(found.definition, { first, paramsOf: params })
  return createRun(target, {
    className: pipeline,
    graph,
    unique,
    args: [parseLossless(request.params)],
    fields: {
      pipeline,
      version: String(found.version),
      instance: String(instance),
      history: '1',
      request: request.id,
      ...(first === undefined ? {} : { first }),
    },
  })
}

/**
 * A pipeline's definition, the latest one by default.
 * @throws RuntimeError ERR_NOT_FOUND, ERR_PIPELINE for one that was changed in Redis and cannot be read
 */
export async function readDefinition(
  { store }: RunTarget,
  name: string,
  version?: number,
): Promise<{ version: number; definition: PipelineDefinition }> {
  const found = await store.pipelines.definition(name, version)
  if (found) {
    const definition = storedDefinition(found.text)
    if (definition) return { version: found.version, definition }
    throw new RuntimeError(
      'ERR_PIPELINE',
      `pipeline ${name}: expected its definition in Redis to have a name, parameters and steps, got ${clip(found.text, 60)}; load it again with \`runtime pipeline load\``,
    )
  }
  const names = [...(await store.pipelines.names()).keys()]
  if (version !== undefined && names.includes(name)) {
    const kept = await store.pipelines.versions(name)
    throw new RuntimeError('ERR_NOT_FOUND', `pipeline ${name} has no version ${version}; it has ${kept.join(', ')}`)
  }
  const known =
    names.length === 0 ? 'none is loaded: run `runtime pipeline load pipelines.yml`' : `there are ${names.join(', ')}`
  throw new RuntimeError('ERR_NOT_FOUND', `unknown pipeline ${JSON.stringify(name)}; ${known}`)
}

/** Parameters of each step: the run's over the step's over the pipeline's; at one level, what was set is over what the file says. */
async function levels(
  { store }: RunTarget,
  definition: PipelineDefinition,
  own: Record<string, unknown>,
): Promise<(step: PipelineStep) => Record<string, unknown>> {
  const set = await store.pipelines.params(definition.name)
  const of = (level: string): Record<string, unknown> =>
    Object.fromEntries([...(set.get(level) ?? [])].map(([key, text]) => [key, parseLossless(text)]))
  return (step) => ({ ...definition.params, ...of(''), ...step.params, ...of(step.name), ...own })
}

/** Who writes a request has it decided at once; this is for those who could not. */
const intervalMs = 15_000

/** Decides run requests that were left pending: by a process that died, or a client that only writes. */
export function requestProcessor(target: RunTarget, { clock, log }: { clock: Clock; log: Logger }): Loop {
  const tick = async (): Promise<undefined> => {
    const decided = await decidePending(target)
    if (decided > 0) log.info(`decided about ${decided} pipeline run requests that were left pending`)
    return undefined
  }
  return new Loop({ name: 'request processor', clock, log, intervalMs, tick })
}
