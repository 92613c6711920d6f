/**
 * Copies the type declarations that the public API reaches into dist/types: of the files that the compiler has written
 * for all sources, a user's compiler reads only these.
 *   node --import tsx script/public-types.ts FOLDER
 */
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

const from = resolve(process.argv[2] ?? '')
const dist = new URL('../dist/types/', import.meta.url).pathname

function reach(file: string, seen: Set<string>): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  const text = readFileSync(file, 'utf8')
  for (const [, specifier = ''] of text.matchAll(/(?:from|import) ?\(?'(\.[^']+)'/g))
    reach(resolve(file, '..', specifier.replace(/\.[jt]s$/, '.d.ts')), seen)
  return seen
}

const entries = ['runtime/index.d.ts', 'runtime/testing/index.d.ts', 'web/index.d.ts']
const reached = entries.reduce((seen, entry) => reach(join(from, entry), seen), new Set<string>())
rmSync(dist, { recursive: true, force: true })
for (const file of reached) cpSync(file, join(dist, relative(from, file)))
