import module from 'node:module'
import workerThreads from 'node:worker_threads'
import { isOwnCode } from '../../../../../core/package.ts'
import { forkSide } from './fork-side.ts'
import { countThreads } from './threads.ts'

const STACK_FRAMES = 50

/** What loading the application did that may keep it from being forked, for a refusal to name. */
export interface Origins {
  /** `new Worker in config/preload.ts:3`: the lines that start threads, and native modules that do. */
  readonly threads: readonly string[]
  /** Packages with native code that were loaded. */
  readonly natives: readonly string[]
}

/**
 * Remembers what starts threads: `new Worker`, `module.register` and native modules. A native module starts its threads
 * when it is loaded or when it is first used, so all of them are kept. Call before the application is loaded.
 */
export function watchThreadOrigins(): Origins {
  const threads: string[] = []
  const natives: string[] = []
  const note = (what: string): void => {
    if (!forkSide.child) threads.push(`${what} in ${callerOf(note)}`)
  }
  class Worker extends workerThreads.Worker {
    constructor(...args: ConstructorParameters<typeof workerThreads.Worker>) {
      note('new Worker')
      super(...args)
    }
  }
  workerThreads.Worker = Worker
  const { register } = module
  module.register = ((...args: Parameters<typeof register>) => {
    note('module.register')
    return Reflect.apply(register, module, args)
  }) as typeof register
  const { dlopen } = process as unknown as { dlopen: (...args: unknown[]) => void }
  const load = (...args: unknown[]): void => {
    if (forkSide.child) return Reflect.apply(dlopen, process, args)
    const name = packageOf(String(args[1]))
    const before = countThreads()
    natives.push(name)
    Reflect.apply(dlopen, process, args)
    if (countThreads() > before) threads.push(`the native module ${name} in ${callerOf(load)}`)
  }
  Object.assign(process, { dlopen: load })
  module.syncBuiltinESMExports()
  return { threads, natives }
}

/**
 * `file:line` of the application's own line (below the current folder) from which `below` was called, with the package in between:
 * `/app/config/preload.ts:3 (by pg)`. Without such a line, of the first line outside of Node.
 */
export function callerOf(below: (...args: never[]) => unknown): string {
  const holder: { stack?: string } = {}
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = STACK_FRAMES
  Error.captureStackTrace(holder, below)
  const place = placeIn(holder.stack)
  Error.stackTraceLimit = stackTraceLimit
  return place ?? 'an unknown place'
}

/** The same of an error's stack; undefined when it names no file. */
export function placeIn(stack: string | undefined): string | undefined {
  const places = (stack ?? '').split('\n').flatMap((line) => {
    const found = /(?:\(|^ {4}at (?:async )?)((?:file:\/\/)?\/[^()]*?)(?::\d+)?\)?$/.exec(line)?.[1]
    return found === undefined || isOwnCode(found) ? [] : [found.replace('file://', '')]
  })
  const own = places.find((place) => place.startsWith(`${process.cwd()}/`) && !place.includes('/node_modules/'))
  const [first] = places
  if (own === undefined || first === own) return first
  return `${own} (by ${packageOf(first ?? '')})`
}

/** The name of the package that a file belongs to; the file itself when it is in none. */
function packageOf(file: string): string {
  return /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? file
}
