import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** Either of these makes a folder an application. */
const MARKS = ['config/runtime.yml', 'package.json']

/**
 * The application a command was called in: the nearest folder, from `cwd` up, that has `config/runtime.yml` or
 * `package.json`; `cwd` itself when there is none.
 */
export function findAppRoot(cwd: string): string {
  const start = resolve(cwd)
  for (let folder = start; ; folder = dirname(folder)) {
    if (MARKS.some((mark) => existsSync(join(folder, mark)))) return folder
    if (dirname(folder) === folder) return start
  }
}
