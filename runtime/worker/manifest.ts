import type { App } from '../jobs/app.ts'
import { hasHook } from '../jobs/hooks.ts'
import type { JobDefinition } from '../jobs/job.ts'
import { dataOptions, optionsOn } from '../jobs/options.ts'
import type { Registered } from '../jobs/registry.ts'
import type { ClassManifest, Manifest } from './protocol.ts'

/** What a supervisor must know of an application, as plain data: functions stay where the application is loaded. */
export function manifestOf(app: App): Manifest {
  return { classes: app.registry.list().map(classManifest) }
}

function classManifest(entry: Registered): ClassManifest {
  const head = { name: entry.name, kind: entry.kind, file: entry.file }
  if (entry.kind !== 'job') return head
  const definition = entry.definition as JobDefinition
  const options = optionsOn(definition)
  const { retry, ...data } = dataOptions(options, entry.name)
  return {
    ...head,
    ...data,
    ...(options.queue === undefined ? {} : { queue: options.queue }),
    ...(retry ? { retry: { ...retry, custom: retry.custom ? true : undefined } } : {}),
    ...(options.concurrency !== undefined || options.rateLimit ? { limited: true as const } : {}),
    ...(hasHook(definition, 'onFailure') ? { onFailure: true as const } : {}),
  }
}
