import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { readEnvironment } from '../config/environment.ts'
import { GRACE_MS, PARENT_VARIABLE } from './exit-with-parent.ts'
import { packageRoot } from '../runtime/core/package.ts'
import { groupOptions, killGroup } from '../runtime/worker/launchers/spawn/process-group.ts'

/** How to start a command as a child. */
export interface ChildCommandOptions {
  /** A program in place of `runtime`, by its path or a name on the PATH. */
  program?: string
  args: readonly string[]
  cwd: string
  /** In place of this process's own environment. */
  env?: NodeJS.ProcessEnv
  /** Every line it prints on either stream. */
  onLine: (line: string) => void
}

/**
 * A `runtime …` command, or another program, as a child process. In a group of its own, so that Ctrl-C reaches this
 * process alone, which then stops it in order. A `runtime …` command does not outlive this process, however this one
 * ends: the channel between them closes with it.
 */
export class ChildCommand {
  /** Resolves when it has gone, with how: `exit code 2`, `SIGKILL`. Never rejects. */
  readonly exited: Promise<string>
  readonly #child: ChildProcess
  /** Its whole group hears signals: of `npm run x` the program that matters is a grandchild. */
  readonly #ofGroup: boolean

  constructor({ program, args, cwd, env = process.env, onLine }: ChildCommandOptions) {
    const entry = join(packageRoot, 'bin/runtime.js')
    this.#ofGroup = program !== undefined
    this.#child =
      program === undefined
        ? spawn(process.execPath, [entry, ...args], {
            cwd,
            env: { ...env, [PARENT_VARIABLE]: String(process.pid) },
            stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
            detached: true,
          })
        : spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], ...groupOptions() })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', onLine)
    }
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message))
      this.#child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`))
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Sends it a signal; harmless when it has gone. */
  kill(signal: NodeJS.Signals): void {
    if (this.#ofGroup) killGroup(this.#child, signal)
    else this.#child.kill(signal)
  }

  /** TERM, and KILL when that is not heard; resolves when it has gone. A second call is harmless. */
  async stop(): Promise<void> {
    this.kill('SIGTERM')
    const timer = setTimeout(() => this.kill('SIGKILL'), GRACE_MS)
    await this.exited
    clearTimeout(timer)
  }
}

/** An environment without what would steer the command: what is left is for its programs (PATH, HOME, TZ …). */
export function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const steers = ([name, value]: [string, string | undefined]): boolean => {
    const { findings, problems } = readEnvironment({ [name]: value })
    return findings.length > 0 || problems.length > 0 || name === 'RUNTIME_CONFIG' || name === 'QUEUES'
  }
  return Object.fromEntries(Object.entries(env).filter((entry) => !steers(entry)))
}
