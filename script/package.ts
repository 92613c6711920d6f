/**
 * Makes the folder that is published, node_modules/.cache/resque-runtime/package: the files of `npm pack`, and a
 * package.json without what only this repository uses (the `source` condition leads to files that are not in the package).
 *   node --import tsx script/package.ts     prints the folder; `npm pack FOLDER` and `npm publish FOLDER` take it
 */
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = new URL('../', import.meta.url).pathname

/** Names of package.json that are for this repository. */
const OURS = ['devDependencies', 'scripts', 'overrides', 'allowScripts']

/** The package.json that is published. */
export function publishedManifest(manifest: Record<string, unknown>): Record<string, unknown> {
  const exports = Object.entries(manifest['exports'] as Record<string, string | Record<string, string>>).map(
    ([path, target]) => {
      if (typeof target === 'string') return [path, target]
      return [path, Object.fromEntries(Object.entries(target).filter(([condition]) => condition !== 'source'))]
    },
  )
  const kept = Object.entries(manifest).filter(([name]) => !OURS.includes(name))
  return { ...Object.fromEntries(kept), exports: Object.fromEntries(exports) as object }
}

/** Makes the folder, in place of an older one. @returns its path */
export function stagePackage(folder = join(root, 'node_modules/.cache/resque-runtime/package')): string {
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }]
  rmSync(folder, { recursive: true, force: true })
  for (const { path } of files) cpSync(join(root, path), join(folder, path))
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`)
  return folder
}

if (process.argv[1]?.endsWith('script/package.ts')) console.log(stagePackage())
