import { didYouMean } from '../config/did-you-mean.ts'
import { RuntimeError } from '../runtime/core/errors.ts'
import type { Registered, Registry } from '../runtime/jobs/registry.ts'

type Kind = Registered['kind']

/** The command that starts one of each kind, and the code for a name that none has. */
const kinds: Record<Kind, { command: string; code: 'ERR_UNKNOWN_CLASS' | 'ERR_TEMPLATE' }> = {
  job: { command: 'runtime enqueue', code: 'ERR_UNKNOWN_CLASS' },
  workflow: { command: 'runtime workflow run', code: 'ERR_UNKNOWN_CLASS' },
  template: { command: 'runtime template run', code: 'ERR_TEMPLATE' },
}

/**
 * What the application exports by this name as this kind.
 * @throws RuntimeError ERR_UNKNOWN_CLASS (ERR_TEMPLATE for a template) that lists the names there are, or says which
 *   command starts what has this name
 */
export function named(registry: Registry, kind: Kind, name: string): Registered {
  const found = registry.find(name)
  if (found?.kind === kind) return found
  const { code } = kinds[kind]
  if (found)
    throw new RuntimeError(
      code,
      `${name}: expected a ${kind}, it is a ${found.kind}; write: ${kinds[found.kind].command} ${name}`,
    )
  const names = registry.list().flatMap((entry) => (entry.kind === kind ? [entry.name] : []))
  throw new RuntimeError(
    code,
    names.length === 0
      ? `${name}: expected a ${kind} of this application, but none is exported under its jobs folders`
      : `${name}: expected one of ${names.join(', ')}${didYouMean(name, names)}`,
  )
}
