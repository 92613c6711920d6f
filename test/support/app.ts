import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach } from 'node:test'
import { ROOT } from './process.ts'

const made: string[] = []

/** Removes every application there is. */
export async function removeApps(): Promise<void> {
  for (const root of made.splice(0)) await rm(root, { recursive: true, force: true })
}

/** To be called at the top of a file that uses {@link makeApp}: removes the applications after each test. */
export function removesApps(): void {
  afterEach(removeApps)
}

/**
 * An application in a temporary folder, with this package (its build) under node_modules.
 * @param files text by path; `package.json` says `"type": "module"` unless given
 * @returns its folder
 */
export async function makeApp(files: Record<string, string> = {}): Promise<string> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'test-app-')))
  made.push(root)
  await mkdir(join(root, 'node_modules'))
  await symlink(ROOT, join(root, 'node_modules/resque-runtime'), 'dir')
  for (const [name, text] of Object.entries({ 'package.json': '{ "type": "module" }', ...files })) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return root
}
