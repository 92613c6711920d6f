import { existsSync, realpathSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { BuiltFiles } from '../../app-build/app-build.ts'
import { LOCATE } from '../../app-build/rewrite.ts'

/** Endings that TypeScript lets one leave out, or writes as those of JavaScript. */
const ENDINGS = ['', '.ts', '.mts', '.tsx', '.js', '.mjs', '/index.ts', '/index.js']

/** The file to import for a source file. */
export function locateBuilt(files: BuiltFiles): (file: string) => string {
  const find = (file: string): string | undefined => files[file] ?? files[file.replace(/\.([cm]?)js$/, '.$1ts')]
  return (file) => find(file) ?? (existsSync(file) ? find(realpathSync(file)) : undefined) ?? file
}

/**
 * Answers built modules where a computed import() leads: to the built file where there is one, else to what the source
 * would have meant. Set once, as a global, since built modules know no path to this one.
 */
export function installLocator(files: BuiltFiles): void {
  const locate = locateBuilt(files)
  Object.defineProperty(globalThis, LOCATE, {
    value: (importer: string, specifier: unknown): string => {
      const text = String(specifier)
      if (!/^(\.{0,2}\/|file:)/.test(text)) return text
      const url = new URL(text, importer)
      const path = fileURLToPath(url)
      const ending =
        ENDINGS.find((end) => files[path + end] !== undefined) ?? (existsSync(path) || extname(path) ? '' : '.js')
      return pathToFileURL(locate(path + ending)).href + url.search
    },
  })
}
