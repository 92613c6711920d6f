import { shown } from '../core/duration.ts'
import { RuntimeError } from '../core/errors.ts'
import { isJob, wireName, type JobDefinition } from './job.ts'
import { checkOptions, checkStatics, optionsOn } from './options.ts'

/** Marks workflow classes. */
export const workflowBrand: unique symbol = Symbol.for('resque-runtime.workflow') as never
/** Marks registered templates. */
export const templateBrand: unique symbol = Symbol.for('resque-runtime.template') as never

/** One name of the application. */
export interface Registered {
  name: string
  kind: 'job' | 'workflow' | 'template'
  definition: unknown
  /** Path of the file that exports it. */
  file: string
}

/**
 * Names to classes. The only way from a name in Redis to code (promise 15): nothing is looked up on prototypes, and
 * nothing from Redis is ever a path.
 */
export class Registry {
  readonly #byName = new Map<string, Registered>()
  /** Exported classes without `perform`. */
  readonly #bases: Omit<Registered, 'kind'>[] = []

  /**
   * Registers every job, workflow and template among a module's exports; other exports are ignored.
   * @returns how many were found
   * @throws RuntimeError ERR_NAME_CLASH with both files, ERR_ARGUMENT for options that are wrong
   */
  addModule(exports: Record<string, unknown>, file: string): number {
    let found = 0
    for (const value of Object.values(exports)) {
      const kind = kindOf(value)
      if (isJob(value) && isAbstract(value)) this.#bases.push({ name: wireName(value), definition: value, file })
      if (!kind) continue
      found += 1
      this.add({
        name: kind === 'template' ? (value as { name: string }).name : wireName(value as JobDefinition),
        kind,
        definition: value,
        file,
      })
    }
    return found
  }

  /**
   * To be called when all modules are registered: a class without `perform` is fine as long as a job extends it.
   * @throws RuntimeError ERR_APP_LOAD with the class and its file
   */
  checkBases(): void {
    const jobs = this.list().map(({ definition }) => definition as object)
    for (const { name, definition, file } of this.#bases) {
      const isExtended = jobs.some((job) => Object.prototype.isPrototypeOf.call(definition as object, job))
      if (isExtended || !isJob(Object.getPrototypeOf(definition))) continue
      throw new RuntimeError(
        'ERR_APP_LOAD',
        `${file}: expected the job ${name} to have a method "perform", it has none and no other job extends it; add perform(), or do not export it`,
      )
    }
  }

  /** Registers one name; the same definition twice (a re-export) is fine. */
  add(entry: Registered): void {
    const other = this.#byName.get(entry.name)
    if (other?.definition === entry.definition) return
    if (other) {
      throw new RuntimeError(
        'ERR_NAME_CLASH',
        `${entry.name}: expected one ${entry.kind} of this name, found it in ${other.file} and in ${entry.file}; rename one, or give it a static wireName`,
      )
    }
    if (entry.kind === 'job') {
      if (!isJob(entry.definition) || isAbstract(entry.definition))
        throw new RuntimeError(
          'ERR_ARGUMENT',
          `${entry.name}: expected a Job class with a method "perform", or a function made by job(), got ${shown(entry.definition)}`,
        )
      checkStatics(entry.definition as object, entry.name)
      checkOptions(optionsOn(entry.definition as object), entry.name)
    }
    this.#byName.set(entry.name, entry)
  }

  /** The entry of a name, or undefined. Resque's dashed names are turned to CamelCase first (`my-job` → `MyJob`). */
  find(name: string): Registered | undefined {
    return this.#byName.get(name) ?? this.#byName.get(camelCase(name))
  }

  /** The job of a name, or undefined. */
  job(name: string): JobDefinition | undefined {
    const found = this.find(name)
    return found?.kind === 'job' ? (found.definition as JobDefinition) : undefined
  }

  /** Everything registered, by name. */
  list(): Registered[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }
}

function kindOf(value: unknown): Registered['kind'] | undefined {
  if (isJob(value)) return isAbstract(value) ? undefined : 'job'
  if ((typeof value === 'function' || typeof value === 'object') && value !== null) {
    if ((value as { [workflowBrand]?: unknown })[workflowBrand] === true) return 'workflow'
    if ((value as { [templateBrand]?: unknown })[templateBrand] === true) return 'template'
  }
  return undefined
}

/** A class of an application's own that others extend needs no `perform`; it is no job. */
function isAbstract(definition: JobDefinition): boolean {
  const prototype = (definition as { prototype?: { perform?: unknown } }).prototype
  return /^class\b/.test(Function.prototype.toString.call(definition)) && typeof prototype?.perform !== 'function'
}

/** `my-job` → `MyJob`, as Resque's `constantize` has it; a name without a dash stays as it is. */
export function camelCase(name: string): string {
  if (!name.includes('-')) return name
  return name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}
