import { parseLossless } from '../runtime/core/codec.ts'
import { RuntimeError } from '../runtime/core/errors.ts'
import type { Registry } from '../runtime/jobs/registry.ts'
import type { Starter, Starters } from '../scheduler/firing/starters.ts'
import { openRun, runTarget } from '../runtime/inspect/runs.ts'
import { workflowNamed } from './commands/workflow-target.ts'
import { templateNamed } from './commands/template-target.ts'
import { pipelinesOf } from './commands/pipeline-target.ts'
import type { Context } from './context.ts'

/** What a scheduler can start beside jobs. Without an application there are no classes to start. */
export function startersOf(context: Context, registry: Registry | undefined): Starters {
  return {
    pipeline: pipelineStarter(context),
    ...(registry ? { workflow: workflowStarter(context, registry), template: templateStarter(context, registry) } : {}),
  }
}

/** A created run that is started by whoever takes over; see {@link Starter}. */
export function runStarter(context: Context, create: (target: string, args: unknown[]) => Promise<string>): Starter {
  return {
    create: (target, args) => create(target, parseLossless(args) as unknown[]),
    start: async (id) => {
      const run = await openRun(context, id)
      if (run.status === 'pending') await run.start()
    },
    isRunning: async (id) => {
      const run = await openRun(context, id).catch(() => undefined)
      return run?.status === 'running' || run?.status === 'pending'
    },
  }
}

function workflowStarter(context: Context, registry: Registry): Starter {
  return runStarter(context, async (target, args) => {
    const type = workflowNamed(registry, target)
    return (await type.createOn(runTarget(context), type, args)).id
  })
}

/** The entry's arguments are one object at most: the template's parameters. */
function templateStarter(context: Context, registry: Registry): Starter {
  return runStarter(context, async (target, args) => {
    const { template } = templateNamed(registry, target)
    return (await template.createOn(runTarget(context), args[0] as object | undefined)).id
  })
}

/**
 * A run request, decided about where it is started. The entry's arguments are one object at most: parameters of the run,
 * with `instance` and `first_step` among them where they are not 1 and the first.
 */
function pipelineStarter(context: Context): Starter {
  const pipelines = pipelinesOf(context)
  return {
    create: (target, args, { entry }) => {
      const [given = {}] = parseLossless(args) as [Record<string, unknown>?]
      const { instance = 1, first_step: first, ...params } = given
      return pipelines.request(target, {
        params,
        instance: instance as number,
        ...(first === undefined ? {} : { first: typeof first === 'string' ? first : JSON.stringify(first) }),
        by: `schedule ${entry}`,
      })
    },
    start: async (id) => {
      const { status, reason } = await pipelines.decide(id)
      if (status === 'Rejected') throw new RuntimeError('ERR_STATE', `rejected: ${reason ?? ''}`)
    },
    isRunning: async (id) => {
      const request = await context.store.pipelines.findRequest(id)
      if (request?.status === 'Pending') return true
      const run = request?.run === undefined ? undefined : await context.store.runs.read.find(request.run)
      return run?.status === 'running' || run?.status === 'pending'
    },
  }
}
