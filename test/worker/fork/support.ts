// A fork launcher for tests, and small applications written for one test.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after } from 'node:test'
import { silentLogger } from '../../../runtime/core/logger.ts'
import type { AppSource } from '../../../runtime/jobs/app.ts'
import { ForkLauncher } from '../../../runtime/worker/launchers/fork/fork.ts'
import type { ForkOptions } from '../../../runtime/worker/launchers/fork/fork-options.ts'
import type { Ending, LaunchedJob, Launcher } from '../../../runtime/worker/launchers/launcher.ts'
import { SpawnLauncher } from '../../../runtime/worker/launchers/spawn/spawn.ts'
import type { ChildMessage } from '../../../runtime/messages.ts'
import { assignmentOf } from '../../contracts/launcher.contract.ts'
import { ROOT } from '../../support/process.ts'

const nowhere = { out: () => undefined, err: () => undefined }

/** Falls back to `spawn`, with one spare. */
export function forkLauncher(source: AppSource, more: Partial<ForkOptions> = {}): ForkLauncher {
  const spawn = (): Launcher =>
    new SpawnLauncher({ source, log: silentLogger, spares: 1, bootTimeoutMs: 30_000, passOutput: nowhere })
  return new ForkLauncher({
    source,
    log: silentLogger,
    bootTimeoutMs: 30_000,
    passOutput: nowhere,
    fallback: spawn,
    ...more,
  })
}

/** A launcher that refuses to launch: for tests in which nothing may fall back. */
export const noFallback: Partial<ForkOptions> = {
  fallback: () => {
    throw new Error('a job went to the fallback')
  },
}

/** Writes an application of TypeScript into a folder of its own, which is gone after the tests. */
export function writeApp(files: Record<string, string>): AppSource {
  const root = mkdtempSync(join(tmpdir(), 'resque-runtime-app-'))
  after(() => rmSync(root, { recursive: true, force: true }))
  mkdirSync(join(root, 'node_modules'))
  symlinkSync(ROOT, join(root, 'node_modules/resque-runtime'))
  const all = { 'package.json': '{"name":"app","type":"module"}', ...files }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return { root, paths: ['src/jobs'] }
}

export function launch(
  launcher: Launcher,
  className: string,
  args: unknown[] = [],
  onMessage: (message: ChildMessage) => void = () => undefined,
): LaunchedJob {
  return launcher.launch(assignmentOf(className, args), onMessage)
}

/** Runs one job to its end and gives what it returned. */
export async function resultOf(launcher: Launcher, className: string, ...args: unknown[]): Promise<unknown> {
  return result(await launch(launcher, className, args).ended)
}

export function result(ending: Ending): unknown {
  assert.equal(ending.outcome?.kind, 'done', JSON.stringify(ending))
  const { result: text } = ending.outcome as { result?: string }
  return text === undefined ? undefined : JSON.parse(text)
}
