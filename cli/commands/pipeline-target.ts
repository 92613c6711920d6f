import { parseLossless } from '../../runtime/core/codec.ts'
import { didYouMean } from '../../config/did-you-mean.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { optionsOn } from '../../runtime/jobs/options.ts'
import type { Registry } from '../../runtime/jobs/registry.ts'
import type { ClassResolver } from '../../runtime/workflow/pipelines/definition.ts'
import { Pipelines } from '../../runtime/workflow/pipelines/pipelines.ts'
import type { Context } from '../context.ts'
import { runTarget } from '../../runtime/inspect/runs.ts'

/** Pipelines of a command's Redis. */
export const pipelinesOf = (context: Context): Pipelines => new Pipelines(runTarget(context))

/** The application's job classes, for definitions to be checked against. */
export function resolverOf(registry: Registry): ClassResolver {
  return {
    find: (name) => {
      const found = registry.find(name)
      if (found?.kind !== 'job') return undefined
      const { queue } = optionsOn(found.definition as object)
      return { name: found.name, ...(queue === undefined ? {} : { queue }) }
    },
    names: () => registry.list().flatMap(({ name, kind }) => (kind === 'job' ? [name] : [])),
  }
}

/** `day=monday`, `n=7`, `list=[1,2]`: JSON where it is JSON, else text. @throws RuntimeError ERR_USAGE */
export function parameters(pairs: readonly string[] = []): Record<string, unknown> {
  const given: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at < 1) throw new RuntimeError('ERR_USAGE', `parameter ${JSON.stringify(pair)}: expected name=value`)
    given[pair.slice(0, at)] = valueOf(pair.slice(at + 1))
  }
  return { ...given }
}

function valueOf(text: string): unknown {
  try {
    return parseLossless(text)
  } catch {
    return text
  }
}

/** True when a name is a pipeline's. */
export async function isPipeline(context: Context, name: string): Promise<boolean> {
  return (await context.store.pipelines.names()).has(name)
}

/** Refuses a name that no pipeline has. @throws RuntimeError ERR_NOT_FOUND */
export async function requirePipeline(context: Context, name: string): Promise<void> {
  const names = await context.store.pipelines.names()
  if (names.has(name)) return
  const hint =
    names.size === 0
      ? '; none is loaded: run `runtime pipeline load pipelines.yml`'
      : didYouMean(name, names.keys()) || `; there are ${[...names.keys()].join(', ')}`
  throw new RuntimeError('ERR_NOT_FOUND', `unknown pipeline ${JSON.stringify(name)}${hint}`)
}
