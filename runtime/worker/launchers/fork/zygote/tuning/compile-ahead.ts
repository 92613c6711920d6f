import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'
import type { App } from '../../../../../jobs/app.ts'

type AnyFunction = (...args: never[]) => unknown

/**
 * Has V8 compile functions that the zygote never calls itself, so that not each child does: a few hundred microseconds
 * of every job.
 */
export function compileAhead(functions: readonly unknown[]): void {
  callNative('PrepareFunctionForOptimization', functions)
}

/** Keeps V8 from making optimised code of functions that children leave in another way than the zygote. */
export function leaveUnoptimized(functions: readonly unknown[]): void {
  callNative('NeverOptimizeFunction', functions)
}

/** Calls what V8 has for its own tests, under a name for which its syntax is allowed for a moment. */
function callNative(name: string, functions: readonly unknown[]): void {
  setFlagsFromString('--allow-natives-syntax')
  try {
    const call = runInThisContext(`(function (f) { %${name}(f) })`) as (f: AnyFunction) => void
    for (const candidate of functions) if (isPlain(candidate)) call(candidate)
  } finally {
    setFlagsFromString('--no-allow-natives-syntax')
  }
}

/** Written in JavaScript: V8 aborts on built-in and bound ones. */
function isPlain(candidate: unknown): candidate is AnyFunction {
  return (
    typeof candidate === 'function' &&
    !/\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(candidate))
  )
}

/** What an application's jobs are made of: the methods of its classes, its functions, and the hook of every child. */
export function functionsOf({ registry, hooks }: App): unknown[] {
  const definitions = registry.list().flatMap(({ kind, definition }) => (kind === 'job' ? [definition] : []))
  return [hooks.afterFork, ...definitions, ...definitions.flatMap(methodsOf)]
}

/** The public methods of a class. */
export function methodsOf(definition: unknown): unknown[] {
  const prototype = (definition as { prototype?: object }).prototype
  if (!prototype) return []
  // Descriptors, since a getter must not be called here.
  return Object.values(Object.getOwnPropertyDescriptors(prototype)).map((descriptor) => descriptor.value as unknown)
}
