import type { Registry } from '../runtime/jobs/registry.ts'
import type { Starter, Starters } from '../scheduler/starters.ts'
import { openRun, targetOf, workflowNamed } from './commands/workflow-target.ts'
import type { Context } from './context.ts'

/** What a scheduler can start beside jobs. Without an application there are no classes to start. */
export function startersOf(context: Context, registry: Registry | undefined): Starters {
  return registry ? { workflow: workflowStarter(context, registry) } : {}
}

/** A created run that is started by whoever takes over; see {@link Starter}. */
export function runStarter(context: Context, create: (target: string, args: unknown[]) => Promise<string>): Starter {
  return {
    create: (target, args) => create(target, JSON.parse(args) as unknown[]),
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
    return (await type.createOn(targetOf(context), type, args)).id
  })
}
