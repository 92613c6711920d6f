import { readdirSync } from 'node:fs'
import { extname, join, sep } from 'node:path'

const SOURCE_TYPES = ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx']
const OTHER_FOLDERS = ['node_modules', 'dist', 'build', 'coverage', 'test', 'tests', 'bench']

const DECLARATION = /\.d\.[cm]?ts$/

/** What node cannot load as it is. */
export const isTypeScript = (file: string): boolean => /\.([cm]?ts|[jt]sx)$/.test(file) && !DECLARATION.test(file)

/** Modules that a build may have to touch: those of the application itself, not of packages. */
export function isSource(file: string, root: string): boolean {
  return (
    file.startsWith(root + sep) &&
    !file.includes(`${sep}node_modules${sep}`) &&
    SOURCE_TYPES.includes(extname(file)) &&
    !DECLARATION.test(file)
  )
}

/** Every source file below the root, for an application that computes what it imports. Folders of other things are left out. */
export function findSources(root: string): string[] {
  return readdirSync(root, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.')) return []
    const path = join(root, entry.name)
    if (entry.isDirectory()) return OTHER_FOLDERS.includes(entry.name) ? [] : findSources(path)
    return SOURCE_TYPES.includes(extname(path)) && !DECLARATION.test(path) ? [path] : []
  })
}
