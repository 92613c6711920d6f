import { readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** This package's own folder, with `bin/`, `dist/` and `examples/`; from the sources and from dist/ alike. */
export const packageRoot: string = (() => {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder))
    if (manifestIn(folder)) return folder
})()

/** This package's version. */
export const version: string = manifestIn(packageRoot)?.version ?? ''

function manifestIn(folder: string): { version: string } | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string; version: string }
    return manifest.name === 'resque-runtime' ? manifest : undefined
  } catch {
    if (folder === dirname(folder)) throw new Error('expected the package.json of resque-runtime above its own code')
    return undefined
  }
}

/**
 * Path of a program that a process of its own runs. Always the built one, also from source: it must need no loader. The
 * names are those of the entries in script/bundle.ts.
 */
export function builtProgram(name: 'zygote' | 'app-build' | 'spawn-child'): string {
  return join(packageRoot, 'dist', `${name}.js`)
}

/** Whether a file is this runtime's own code, which a job's author does not look for in a stack. */
export function isOwnCode(text: string): boolean {
  return OWN_FOLDERS.some((folder) => text.includes(folder))
}

const OWN_FOLDERS = ['dist', 'runtime'].map((folder) => join(packageRoot, folder) + sep)
