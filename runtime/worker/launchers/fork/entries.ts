import { fileURLToPath } from 'node:url'

/**
 * Path of a program of the folder, `zygote/core/main`. Always the compiled one, also where this file is run from
 * source: a zygote must need no loader.
 */
export function builtEntry(name: string): string {
  const folder = import.meta.url.endsWith('.ts') ? '../../../../dist/runtime/worker/launchers/fork/' : './'
  return fileURLToPath(new URL(`${folder}${name}.js`, import.meta.url))
}
