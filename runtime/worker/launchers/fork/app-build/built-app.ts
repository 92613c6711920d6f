import { fork } from 'node:child_process'
import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RuntimeError } from '../../../../core/errors.ts'
import type { Logger } from '../../../../core/logger.ts'
import { builtProgram } from '../../../../core/package.ts'
import { extraFiles, hasTypeScript, jobFiles, type AppSource } from '../../../../jobs/app.ts'
import type { BuildOrder, BuiltFiles } from './app-build.ts'
import { findSources, isTypeScript, declaredFormat, compilerSettingsOf } from './project-files.ts'
import type { BuildAnswer } from './main.ts'
import { identityOf, removeFoldersOfDead } from '../../../lease/dead-processes.ts'
import { OutputTail } from '../../output-tail.ts'
import { CannotFork } from '../zygote/core/preflight-platform.ts'

/** An application that node can load as it is. */
export interface BuiltApp {
  files: BuiltFiles
  /** Path of a JSON file that has the same; undefined where nothing had to be built. */
  list?: string
  /** Removes what was built, when no process imports from it any more. */
  remove: () => void
}

let builds = 0

/**
 * Builds the application where it is TypeScript; an application of JavaScript is left as it is. Builds live under
 * `.runtime/build` of its root, in a folder with this process's identity in its name, so that those of dead processes are recognized.
 *
 * @throws RuntimeError ERR_APP_LOAD with file and line
 * @throws CannotFork for what only a loader can load
 */
export async function buildForFork(source: AppSource): Promise<BuiltApp> {
  if (!hasTypeScript(source)) return { files: {}, remove: () => undefined }
  // esbuild speaks of files by their real paths.
  const root = realpathSync(source.root)
  const folder = join(root, '.runtime', 'build')
  mkdirSync(folder, { recursive: true })
  removeFoldersOfDead(folder)
  builds += 1
  const outDir = join(folder, `${identityOf()}-${builds}`)
  const entries = [...jobFiles(source), ...extraFiles(source)].map((file) => realpathSync(file))
  const answer = await runBuild({ root, entries, outDir })
  const remove = (): void => rmSync(outDir, { recursive: true, force: true })
  if ('files' in answer) {
    const list = join(outDir, 'files.json')
    writeFileSync(list, JSON.stringify(answer.files))
    return { files: answer.files, list, remove }
  }
  remove()
  if ('refusal' in answer) throw new CannotFork(answer.refusal)
  throw new RuntimeError('ERR_APP_LOAD', `the application cannot be built: ${answer.error}`)
}

/**
 * Builds an application of TypeScript for processes that each load it: from a build they start in half the time that a
 * loader (tsx) takes. Undefined where there is nothing to build, or a loader is all there is. @throws RuntimeError ERR_APP_LOAD
 */
export async function buildForSpawn(source: AppSource, log: Logger): Promise<BuiltApp | undefined> {
  if (!hasTypeScript(source)) return undefined
  try {
    return await buildForFork(source)
  } catch (error) {
    if (error instanceof RuntimeError) throw error
    // It refuses, or `.runtime` cannot be written.
    const reason = (error as Error).message
    if (loaderLacks(source)) log.warn(`decorators have no types (emitDecoratorMetadata), and JSX is React's: ${reason}`)
    return undefined
  }
}

/** The same for one process, which a loader serves well, but for what that leaves out, or loads as CommonJS though it waits. */
export async function buildForInline(source: AppSource, log: Logger): Promise<BuiltApp | undefined> {
  return loaderLacks(source) || (await waitsInCommonJs(source)) ? buildForSpawn(source, log) : undefined
}

/** Whether a loader leaves out what tsconfig.json asks for: the types of what is decorated, JSX that it keeps. */
function loaderLacks(source: AppSource): boolean {
  return [...jobFiles(source), ...extraFiles(source)].some((file) => {
    const { metadata, keepsJsx } = compilerSettingsOf(file)
    return isTypeScript(file) && (metadata || keepsJsx)
  })
}

/** True where a file that is neither CommonJS nor ESM by its ending or package.json has top-level await. */
async function waitsInCommonJs(source: AppSource): Promise<boolean> {
  if (!hasTypeScript(source) || jobFiles(source).every((file) => declaredFormat(file) === 'esm')) return false
  const files = findSources(realpathSync(source.root)).filter(
    (file) => declaredFormat(file) === undefined && /\bawait\b/.test(readFileSync(file, 'utf8')),
  )
  if (files.length === 0) return false
  // esbuild is loaded only where it is needed.
  const { hasTopLevelAwait } = await import('./translate.ts')
  return (await Promise.all(files.map(hasTopLevelAwait))).includes(true)
}

/** Over a channel of its own: what `NODE_OPTIONS` preloads may print. */
function runBuild(order: BuildOrder): Promise<BuildAnswer> {
  const child = fork(builtProgram('app-build'), [JSON.stringify(order)], {
    cwd: order.root,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const tail = new OutputTail()
  if (child.stderr) tail.follow(child.stderr, () => undefined)
  return new Promise((resolve, reject) => {
    child.once('message', (answer) => resolve(answer as BuildAnswer))
    child.once('error', reject)
    child.once('close', (code, signal) =>
      reject(new Error(`the build ended (${signal ?? `exit code ${code}`}): ${tail.lines().join(' | ')}`)),
    )
  })
}
