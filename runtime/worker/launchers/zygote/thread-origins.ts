import module from 'node:module'
import workerThreads from 'node:worker_threads'
import { role } from './role.ts'

/**
 * Remembers which lines of the application start threads, so that a refusal can name them: `new Worker` and
 * `module.register`. Threads of native add-ons are told by their name only. Call before the application is loaded.
 */
export function watchThreadOrigins(): readonly string[] {
  const origins: string[] = []
  const note = (what: string): void => {
    if (!role.child) origins.push(`${what} in ${callerOf(note)}`)
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
  module.syncBuiltinESMExports()
  return origins
}

/** `file:line` of the first frame above this file. */
function callerOf(below: (what: string) => void): string {
  const holder: { stack?: string } = {}
  Error.captureStackTrace(holder, below)
  const frame = holder.stack?.split('\n').find((line) => line.includes('    at ') && !line.includes('thread-origins'))
  return (
    /\(?((?:file:\/\/|\/)[^()]*?)(?::\d+)?\)?$/.exec(frame ?? '')?.[1]?.replace('file://', '') ?? 'an unknown place'
  )
}
