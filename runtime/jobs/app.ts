import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { hasCode, RuntimeError, toError } from '../core/errors.ts'
import { Registry } from './registry.ts'
import type { DeadJob, LostWorker } from '../messages.ts'

/** What to load of an application. Paths are absolute or relative to `root`. */
export interface AppSource {
  root: string
  /** Folders (or single modules) that hold the jobs. */
  paths: readonly string[]
  /** Loaded first; `config/preload.ts` when there is one. */
  preload?: string
  /** Worker hooks; `config/hooks.ts` when there is one. */
  hooks?: string
}

/**
 * Worker hooks, Resque's names: exported by the hooks module.
 * @example
 * ```ts
 * const hooks: WorkerHooks = {
 *   afterFork: async () => console.log('connect to the database here'),
 *   onDeath: (dead, cause) => console.error(`${dead.class} failed: ${cause}`),
 * }
 * ```
 */
export interface WorkerHooks {
  /** Once, before the first job. */
  beforeFirstFork?: () => unknown
  /** In the process that forks, before each job; synchronous where that process forks for real. */
  beforeFork?: (job: { id: string; class: string; queue: string }) => unknown
  /** In the job's own process, before the job. */
  afterFork?: (job: { id: string; class: string; queue: string }) => unknown
  /**
   * After a failure was recorded, not before a retry, in a process of its own. `cause` and `evidence` are those of
   * `runtime failed show`.
   */
  onDeath?: (job: DeadJob, cause: string, evidence: Record<string, unknown>) => unknown
  /** After a worker lost its lease, in a process of its own. */
  onLeaseLost?: (worker: LostWorker) => unknown
  /** When the worker leaves. */
  workerExit?: () => unknown
}

/** A loaded application. */
export interface App {
  registry: Registry
  hooks: WorkerHooks
}

const moduleTypes = ['.ts', '.tsx', '.mts', '.js', '.jsx', '.mjs', '.cjs', '.cts']
const hookNames = ['beforeFirstFork', 'beforeFork', 'afterFork', 'onDeath', 'onLeaseLost', 'workerExit']

/** The job modules of an application, sorted; without declaration and test files. @throws RuntimeError ERR_APP_LOAD */
export function jobFiles(source: AppSource): string[] {
  return source.paths.flatMap((path) => {
    const full = resolve(source.root, path)
    if (!existsSync(full)) {
      throw new RuntimeError(
        'ERR_APP_LOAD',
        `${path}: expected a folder of jobs under ${source.root}, found none; create it, or set jobs.paths in config/runtime.yml`,
      )
    }
    return statSync(full).isDirectory() ? filesBelow(full) : [full]
  })
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => moduleTypes.includes(extname(file)) && !/\.(d|test|spec)\.[cm]?[jt]sx?$/.test(file))
    .map((file) => join(folder, file))
    .sort()
}

/** Files of the application that are TypeScript or JSX need a loader (tsx) or a build (esbuild). */
export function hasTypeScript(source: AppSource): boolean {
  return [...jobFiles(source), ...extraFiles(source)].some((file) => /\.([cm]?ts|[jt]sx)$/.test(file))
}

/** Preload and hooks modules, where there are any. @throws RuntimeError ERR_APP_LOAD when a named one is missing */
export function extraFiles(source: AppSource): string[] {
  return [preloadFile(source), hooksFile(source)].filter((file) => file !== undefined)
}

/** The preload module's path, or undefined. */
export const preloadFile = (source: AppSource): string | undefined => optionalFile(source, source.preload, 'preload')
/** The hooks module's path, or undefined. */
export const hooksFile = (source: AppSource): string | undefined => optionalFile(source, source.hooks, 'hooks')

function optionalFile({ root }: AppSource, given: string | undefined, name: string): string | undefined {
  if (given !== undefined) {
    if (existsSync(resolve(root, given))) return resolve(root, given)
    throw new RuntimeError('ERR_APP_LOAD', `jobs.${name}: expected a module at ${given}, found none`)
  }
  return moduleTypes.map((type) => join(root, 'config', name + type)).find((file) => existsSync(file))
}

/**
 * Imports an application and registers its jobs.
 * @param locate gives the file to import for a source file, where a build has made another one of it
 * @throws RuntimeError ERR_APP_LOAD with file and line, ERR_NAME_CLASH, ERR_ARGUMENT
 */
export async function loadApp(source: AppSource, locate: (file: string) => string = (file) => file): Promise<App> {
  const watch = watchLoad()
  try {
    const app = await Promise.race([watch.ended, importApp(source, locate, watch)])
    // Node tells of unhandled rejections after the microtasks that made them.
    await Promise.race([watch.ended, new Promise((resolve) => setImmediate(resolve))])
    return app
  } finally {
    watch.stop()
  }
}

async function importApp(source: AppSource, locate: (file: string) => string, watch: LoadWatch): Promise<App> {
  const load = (file: string): Promise<Record<string, unknown>> => {
    const name = relative(source.root, file)
    watch.files.unshift(name)
    return loadModule(locate(file), name)
  }
  const registry = new Registry()
  const [preload, hooks] = [preloadFile(source), hooksFile(source)]
  if (preload !== undefined) await load(preload)
  for (const file of jobFiles(source)) {
    const name = relative(source.root, file)
    const module = await load(file)
    if (Object.keys(module).length === 0 && !exportsTypes(file)) {
      throw new RuntimeError(
        'ERR_APP_LOAD',
        `${name}: expected it to export a job, it exports nothing; export the class, or move the file out of the jobs folder`,
      )
    }
    registry.addModule(module, name)
  }
  registry.checkBases()
  return { registry, hooks: hooks === undefined ? {} : checkHooks(await load(hooks), relative(source.root, hooks)) }
}

/** True for TypeScript that exports types: nothing is left of them when it runs. */
function exportsTypes(file: string): boolean {
  const pattern = /^\s*export\s+(default\s+interface|type|interface|declare)\b/m
  return /\.[cm]?tsx?$/.test(file) && pattern.test(readFileSync(file, 'utf8'))
}

/** Watches a load for what would end the process silently: `process.exit`, a rejection that nothing handles. */
interface LoadWatch {
  /** The files so far, the last one first. */
  files: string[]
  /** Rejects with ERR_APP_LOAD, and the file. */
  ended: Promise<never>
  stop: () => void
}

function watchLoad(): LoadWatch {
  const files: string[] = []
  let end: (error: Error) => void = () => undefined
  const ended = new Promise<never>((_resolve, reject) => (end = reject))
  ended.catch(() => undefined)
  const fail = (what: string, stack = ''): RuntimeError => {
    const name = files.find((file) => stack.includes(file)) ?? files[0] ?? 'the application'
    const error = new RuntimeError('ERR_APP_LOAD', `${name}: ${what}${whereIn({ stack, message: '' }, name)}`)
    end(error)
    return error
  }
  const { exit } = process as { exit: (this: void, code?: string | number | null) => never }
  process.exit = (code) => {
    throw fail(
      `expected it to define jobs, it called process.exit(${code ?? ''}) while it was loaded; move that into a function`,
      new Error().stack,
    )
  }
  const onRejection = (reason: unknown): void => {
    const { message, stack } = toError(reason)
    fail(`a promise that was made while it was loaded was rejected, and nothing handles that: ${message}`, stack)
  }
  process.on('unhandledRejection', onRejection)
  const stop = (): void => {
    process.exit = exit
    process.off('unhandledRejection', onRejection)
  }
  return { files, ended, stop }
}

function checkHooks(module: Record<string, unknown>, file: string): WorkerHooks {
  for (const [name, value] of Object.entries(module)) {
    if (!hookNames.includes(name) || typeof value !== 'function') {
      throw new RuntimeError('ERR_APP_LOAD', `${file}: expected functions named ${hookNames.join(', ')}, found ${name}`)
    }
  }
  return module
}

async function loadModule(file: string, name: string): Promise<Record<string, unknown>> {
  try {
    const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>
    return exportsOf(module)
  } catch (thrown) {
    const error = toError(thrown)
    if (hasCode(error, 'ERR_NAME_CLASH') || hasCode(error, 'ERR_APP_LOAD')) throw error
    const place = whereIn(error, name) || (error instanceof SyntaxError ? await syntaxPlace(file, name) : '')
    throw new RuntimeError('ERR_APP_LOAD', `${name}: cannot be loaded: ${error.message}${place}`, { cause: error })
  }
}

/**
 * What a module exports by name; of a CommonJS module, which TypeScript is without `"type": "module"`, its own exports.
 * Node 20 and 22 show those as the default, and beside it the names that they can find in the text.
 */
function exportsOf(module: Record<string, unknown>): Record<string, unknown> {
  const { default: main, 'module.exports': common, __esModule: compiled, ...named } = module
  const isCommon =
    common !== undefined ||
    compiled !== undefined ||
    (isPlainObject(main) && Object.entries(named).every(([name, value]) => main[name] === value))
  if (isCommon) return isPlainObject(main) ? { ...main, ...named } : named
  return main === undefined ? named : { ...named, default: main }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** ` (src/jobs/x.ts:3:7)`: the first stack frame in the file, unless the message names the place already. */
function whereIn(error: Pick<Error, 'message' | 'stack'>, name: string): string {
  const place = error.stack?.split('\n').find((line) => line.includes(name) && /:\d+/.test(line))
  const at = place && new RegExp(`${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}:\\d+(:\\d+)?`).exec(place)?.[0]
  return at && !error.message.includes(at) ? ` (${at})` : ''
}

/** Node keeps the place of a syntax error to itself: esbuild finds it, when it is in the file itself. */
async function syntaxPlace(file: string, name: string): Promise<string> {
  const { transform } = await import('esbuild')
  const failed = await transform(readFileSync(file, 'utf8'), { logLevel: 'silent' }).catch((error: unknown) => error)
  const [flaw] = (failed as { errors?: { location: { line: number; column: number } | null }[] }).errors ?? []
  return flaw?.location ? ` (${name}:${flaw.location.line}:${flaw.location.column + 1})` : ''
}
