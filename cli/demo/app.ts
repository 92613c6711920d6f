import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageRoot } from '../../runtime/core/package.ts'

/**
 * Makes the demo's application, in a folder of its own, as a user's would be: a copy of examples/demo that finds this
 * package under node_modules. Whatever was there goes.
 * @returns the folder of the imported data
 */
export async function makeDemoApp(folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(join(folder, 'node_modules'), { recursive: true })
  await cp(join(packageRoot, 'examples/demo'), folder, { recursive: true })
  await symlink(packageRoot, join(folder, 'node_modules/resque-runtime'), 'dir')
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ private: true, type: 'module' })}\n`)
  return join(packageRoot, 'examples/data')
}
