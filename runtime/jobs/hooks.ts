import { isFunctionJob, type JobDefinition } from './job.ts'

/** Job hooks, Resque's names in camel case. A longer name with the same beginning is one, too (`beforePerformLog`). */
export type HookName =
  | 'beforeEnqueue'
  | 'afterEnqueue'
  | 'beforeDequeue'
  | 'afterDequeue'
  | 'beforePerform'
  | 'aroundPerform'
  | 'afterPerform'
  | 'onFailure'
  | 'beforeSchedule'
  | 'afterSchedule'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a hook takes the job's own arguments
type Hook = (...args: any[]) => unknown

const NONE: readonly never[] = []

/**
 * The hooks of a job, in alphabetical order as in Resque (docs/HOOKS.md): static functions first, then methods of the
 * instance.
 * @param instance bound as `this` of the methods; none for a function job
 */
export function hooksOf(definition: JobDefinition, name: HookName, instance?: object): readonly Hook[] {
  const statics = namesAlong(definition, name)
  const methods = instance ? namesAlong(Object.getPrototypeOf(instance) as object, name) : NONE
  // Most jobs have none.
  if (statics.length === 0 && methods.length === 0) return NONE
  const bound = (target: object) => (found: string) => bind(target, found)
  return [...statics.map(bound(definition)), ...(instance ? methods.map(bound(instance)) : [])]
}

/** What is bound as `this` of enqueue hooks that are methods: an instance of their own, which knows no running job. */
export function instanceOf(definition: JobDefinition): object | undefined {
  return isFunctionJob(definition) ? undefined : new (definition as new () => object)()
}

/** True when the class has such a hook, as a static or a method. */
export function hasHook(definition: JobDefinition, name: HookName): boolean {
  const prototype: unknown = (definition as { prototype?: unknown }).prototype
  return (
    namesAlong(definition, name).length > 0 ||
    (typeof prototype === 'object' && prototype !== null && namesAlong(prototype, name).length > 0)
  )
}

/** Runs hooks one after another. @returns false when one of them answered strictly false; all run before that is looked at */
export async function runHooks(hooks: readonly Hook[], ...args: unknown[]): Promise<boolean> {
  let go = true
  for (const hook of hooks) if ((await hook(...args)) === false) go = false
  return go
}

function bind(target: object, name: string): Hook {
  const hook = (target as Record<string, Hook>)[name] as Hook
  return (...args) => hook.apply(target, args)
}

/** By class or prototype: a class has the hooks that it had when its first job ran. */
const known = new WeakMap<object, Partial<Record<HookName, readonly string[]>>>()

function namesAlong(start: object, prefix: HookName): readonly string[] {
  let names = known.get(start)
  if (!names) known.set(start, (names = {}))
  return (names[prefix] ??= findNames(start, prefix))
}

function findNames(start: object, prefix: HookName): string[] {
  const found = new Set<string>()
  for (let at: unknown = start; typeof at === 'object' || typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    if (at === null || at === Object.prototype || at === Function.prototype) break
    for (const name of Object.getOwnPropertyNames(at)) {
      if (!name.startsWith(prefix)) continue
      if (typeof Object.getOwnPropertyDescriptor(at, name)?.value === 'function') found.add(name)
    }
  }
  return [...found].sort()
}
