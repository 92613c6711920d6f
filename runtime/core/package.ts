import { readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** This package's own folder, with `bin/`, `dist/` and `examples/`, from the sources and from dist/ alike; and its version. */
export const { packageRoot, version } = findPackage(dirname(fileURLToPath(import.meta.url)))

function findPackage(folder: string): { packageRoot: string; version: string } {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string; version: string }
    if (manifest.name === 'resque-runtime') return { packageRoot: folder, version: manifest.version }
  } catch {
    if (folder === dirname(folder)) throw new Error('expected the package.json of resque-runtime above its own code')
  }
  return findPackage(dirname(folder))
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
