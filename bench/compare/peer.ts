// What a peer is to the comparison: how its programs are started, and what it can do. A file in peers/ is one peer.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Where a job runs: `fresh`, a process of its own that is forked for it; `spawn`, a process of its own that is started for it;
 * `reused`, a process that runs jobs one after another; `inline`, the worker's own process.
 */
export type Mode = 'fresh' | 'spawn' | 'reused' | 'inline'

export interface Command {
  argv: readonly string[]
  cwd?: string
}

export interface Peer {
  id: string
  name: string
  server: 'redis' | 'postgres'
  /** The settings it gets, for the page. */
  settings: string
  /** Of what is installed; undefined if it is not. */
  version(this: void): string | undefined
  /** The command that installs it. */
  install: string
  producer: Command
  /** The processes of a worker that runs so many jobs at a time; undefined if it has no such mode. */
  worker(mode: Mode, concurrency: number): readonly Command[] | undefined
  can: { bulk: boolean; delay: boolean; flow: boolean }
  /** Milliseconds from its first job until it runs at its speed, if more than the usual. */
  warmUpMs?: number
  /** Milliseconds from its start until it looks for delayed jobs as often as later. */
  delayedAfterMs?: number
  /** Jobs a second that it runs inline at most, about: more than that for a measurement's time need not be enqueued. */
  inlineRate: number
}

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
export const PROGRAMS = join(FOLDER, 'programs')
/** The folder with what npm installs for the comparison alone. */
export const NPM = join(FOLDER, 'npm')
export const ROOT = join(FOLDER, '../..')

/** The Node that runs every contestant in Node: that of npm/, which all of them support, or else this one. */
export function contestantsNode(): string {
  const own = join(NPM, `node_modules/node-linux-${process.arch}/bin/node`)
  return existsSync(own) ? own : process.execPath
}

export const node = (folder: string, program: string, ...args: string[]): Command => ({
  argv: [contestantsNode(), join(folder, program), ...args],
})

/** The version of a package that is installed in a folder's node_modules. */
export function packageVersion(folder: string, name: string): string | undefined {
  try {
    const text = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')
    return (JSON.parse(text) as { version: string }).version
  } catch {
    return undefined
  }
}
