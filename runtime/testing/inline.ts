import { encodeArgs, parseLossless } from '../core/codec.ts'
import { shown } from '../core/duration.ts'
import { RuntimeError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import { isFunctionJob, isJob, wireName, type ArgsOf, type JobDefinition, type ResultOf } from '../jobs/job.ts'
import type { SoundJob } from '../jobs/typed.ts'
import { optionsOn } from '../jobs/options.ts'
import { Registry } from '../jobs/registry.ts'
import { execute } from '../worker/child/executor.ts'

/**
 * Runs one job here and now, without Redis and without a process: arguments go through JSON as they would, hooks and
 * schemas apply.
 * @returns what `perform` returned
 * @throws RuntimeError ERR_ARGUMENT for what is no job, ERR_NOT_JSON; whatever made the job fail, as an Error with its name and message
 */
export async function inline<J extends JobDefinition>(
  definition: J & SoundJob<J>,
  ...args: ArgsOf<J>
): Promise<ResultOf<J> | undefined> {
  if (!isJob(definition))
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `inline: expected a Job class or a function made by job(), got ${shown(definition)}`,
    )
  const registry = new Registry()
  const name = wireName(definition)
  registry.add({ name, kind: 'job', definition, file: isFunctionJob(definition) ? 'a function' : 'a class' })
  const outcome = await execute(
    {
      phase: 'perform',
      jobId: newId(),
      className: name,
      queue: optionsOn(definition).queue ?? 'inline',
      args: encodeArgs(name, args as unknown[], Infinity),
      attempt: 1,
      worker: 'inline',
      keepResult: true,
      permits: [],
    },
    { registry, hooks: {} },
    { send: () => undefined, onMessage: () => undefined },
  )
  if (outcome.kind === 'failed')
    throw Object.assign(new Error(outcome.error.message), { name: outcome.error.name, stack: stackOf(outcome.error) })
  return outcome.kind === 'done' && outcome.result !== undefined
    ? (parseLossless(outcome.result) as ResultOf<J>)
    : undefined
}

function stackOf({ name, message, backtrace }: { name: string; message: string; backtrace: string[] }): string {
  return [`${name}: ${message}`, ...backtrace.map((frame) => `    ${frame}`)].join('\n')
}
