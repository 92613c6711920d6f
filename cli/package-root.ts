import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** This package's own folder, with `bin/` and `examples/`; from the sources and from dist alike. */
export const packageRoot: string = (() => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'bin/runtime.js'))) folder = dirname(folder)
  return folder
})()
