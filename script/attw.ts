/**
 * Are the types wrong? https://arethetypeswrong.github.io: the package as `npm pack` makes it, with every way to resolve it.
 *   node --import tsx script/attw.ts
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { stagePackage } from './package.ts'

/**
 * By design: `moduleResolution: node10` does not read `exports`, so it finds no `./web` and `./testing`; and CommonJS
 * gets an ES module, which `require` loads in every version of Node that `engines` allows.
 */
const BY_DESIGN = ['CJSResolvesToESM', 'NoResolution']

const folder = mkdtempSync(join(tmpdir(), 'attw-'))
try {
  const pack = ['pack', stagePackage(), '--silent', '--pack-destination', folder]
  const tarball = execFileSync('npm', pack, { encoding: 'utf8' }).trim()
  const result = await checkPackage(createPackageFromTarballData(readFileSync(join(folder, tarball))))
  const problems = result.types ? result.problems : [{ kind: 'no types' }]
  const wrong = problems.filter(
    (problem) =>
      !BY_DESIGN.includes(problem.kind) ||
      (problem.kind === 'NoResolution' && 'resolutionKind' in problem && problem.resolutionKind !== 'node10'),
  )
  for (const problem of wrong) console.error(JSON.stringify(problem))
  process.exitCode = wrong.length > 0 ? 1 : 0
} finally {
  rmSync(folder, { recursive: true, force: true })
}
