// Real processes for tests. Each one, and each of its descendants, carries a mark in its environment, so that what a test
// leaves behind can be found and held against it.
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { afterEach } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from './wait.ts'

/** The project's folder, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

const MARK = `RUNTIME_TEST_MARK=${randomUUID()}`

/** Would change what the command does, or what node:test thinks the child is. */
const NOT_INHERITED =
  /^(RUNTIME_|RESQUE_|REDIS_URL$|QUEUES?$|COUNT$|INTERVAL$|V?VERBOSE$|FORK_PER_JOB$|GRACEFUL_TERM$|NODE_OPTIONS$|NODE_TEST_CONTEXT$|NODE_V8_COVERAGE$|NODE_ENV$|(FORCE|NO)_COLOR$)/

export interface ProcessOptions {
  /** On top of this process's own environment, without the names that would steer the command; undefined takes one out. */
  env?: Record<string, string | undefined>
  /** Default: the project's folder. */
  cwd?: string
  /** Written to standard input, which then ends. Default: no input. */
  input?: string
  /** After this the process is killed with SIGKILL and `exited` rejects. Default 30 s for run…, none for start…. */
  timeoutMs?: number
}

export interface Exit {
  exitCode: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** A process that runs. */
export interface Running {
  readonly pid: number
  /** What it has printed so far. */
  readonly stdout: string
  readonly stderr: string
  /** Settles when it has gone and its output is complete. Rejects only when it could not start or took too long. */
  readonly exited: Promise<Exit>
  /** Resolves with the first line, of either stream, that was or will be printed and matches; rejects when it ends without one. */
  waitForLine(pattern: RegExp, options?: { timeoutMs?: number }): Promise<RegExpExecArray>
  kill(signal?: NodeJS.Signals): void
  /** Sends a signal (TERM) and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Exit>
}

const started = new Set<Running>()

/** Starts any program. */
export function startProcess(file: string, args: readonly string[], options: ProcessOptions = {}): Running {
  const child = spawn(file, args, { cwd: options.cwd ?? ROOT, env: environmentFor(options.env), stdio: 'pipe' })
  child.stdin.on('error', () => undefined).end(options.input ?? '')
  const out = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (out[name] += text))
  }
  const exited = whenGone(child, [file, ...args].join(' '), out, options.timeoutMs)
  exited.catch(() => undefined)
  const running: Running = {
    pid: child.pid ?? 0,
    get stdout() {
      return out.stdout
    },
    get stderr() {
      return out.stderr
    },
    exited,
    waitForLine: (pattern, { timeoutMs = 20_000 } = {}) => line(running, pattern, timeoutMs),
    kill: (signal = 'SIGTERM') => void child.kill(signal),
    stop: (signal = 'SIGTERM') => {
      child.kill(signal)
      return exited
    },
  }
  started.add(running)
  void exited.catch(() => undefined).then(() => started.delete(running))
  return running
}

/** Starts `runtime …` from the build. */
export const startCli = (args: readonly string[], options: ProcessOptions = {}): Running =>
  startProcess(process.execPath, [`${ROOT}bin/runtime.js`, ...args], options)

/** Runs `runtime …` from the build to its end. */
export const runCli = (args: readonly string[], options: ProcessOptions = {}): Promise<Exit> =>
  startCli(args, { timeoutMs: 30_000, ...options }).exited

/** Starts a TypeScript program of test/fixtures/programs: its bundle, where this test is one, else its source. */
export function startProgram(name: string, args: readonly string[] = [], options: ProcessOptions = {}): Running {
  const file = `test/fixtures/programs/${name}`
  const bundles = /^.*\/node_modules\/\.cache\/tests\/\d+\//.exec(process.argv[1] ?? '')?.[0]
  const program =
    bundles === undefined
      ? ['--conditions=source', '--import', 'tsx', `${ROOT}${file}.ts`]
      : ['--enable-source-maps', `${bundles}${file}.mjs`]
  return startProcess(process.execPath, [...program, ...args], options)
}

/**
 * To be called at the top of a file that starts processes: fails each test that leaves one behind, itself or a
 * descendant, and ends it. Where there is no /proc only the processes themselves are seen.
 */
export function leavesNoProcess({ withinMs = 5000 } = {}): void {
  afterEach(async () => {
    try {
      await eventually(async () => (await markedProcesses()).length === 0, { timeoutMs: withinMs, intervalMs: 20 })
    } catch {
      const left = await markedProcesses()
      for (const { pid } of left) killQuietly(pid)
      assert.deepEqual(left, [], 'the test left processes behind')
    }
  })
}

/** The processes started here that still are, and their descendants; without zombies. */
export async function markedProcesses(): Promise<{ pid: number; command: string }[]> {
  const pids = await readdir('/proc').then(
    (names) => names.filter((name) => /^\d+$/.test(name)).map(Number),
    () => [...started].map((running) => running.pid),
  )
  const found = await Promise.all(pids.map(describeMarked))
  return found.filter((entry) => entry !== undefined)
}

async function describeMarked(pid: number): Promise<{ pid: number; command: string } | undefined> {
  if (process.platform !== 'linux') return { pid, command: '' }
  try {
    const environ = await readFile(`/proc/${pid}/environ`, 'utf8')
    if (!environ.split('\0').includes(MARK)) return undefined
    const state = /^State:\s+(\w)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim()
    return state === 'Z' ? undefined : { pid, command }
  } catch {
    return undefined
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has gone by itself.
  }
}

/** What a command started here has in its environment. */
export function environmentFor(extra: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name))
  const [name = '', value = ''] = MARK.split('=')
  const all = { ...Object.fromEntries(inherited), ...extra, [name]: value }
  return Object.fromEntries(Object.entries(all).filter(([, text]) => text !== undefined))
}

function whenGone(
  child: ChildProcess,
  title: string,
  out: { stdout: string; stderr: string },
  timeoutMs: number | undefined,
): Promise<Exit> {
  return new Promise((resolve, reject) => {
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            child.kill('SIGKILL')
            reject(
              new Error(`${title}: expected it to end within ${timeoutMs} ms; it printed:\n${out.stdout}${out.stderr}`),
            )
          }, timeoutMs)
    child.once('error', reject)
    child.once('close', (exitCode, signal) => {
      clearTimeout(timer)
      resolve({ exitCode, signal, ...out })
    })
  })
}

async function line(running: Running, pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
  const search = (): RegExpExecArray | undefined => {
    for (const text of `${running.stdout}\n${running.stderr}`.split('\n')) {
      const match = new RegExp(pattern.source, pattern.flags.replace('g', '')).exec(text)
      if (match) return match
    }
    return undefined
  }
  let gone = false
  void running.exited.catch(() => undefined).then(() => (gone = true))
  const match = await eventually(() => search() ?? (gone ? { gone } : undefined), {
    timeoutMs,
    what: String(pattern),
  }).catch((error: unknown) => error as Error)
  if (Array.isArray(match)) return match
  const last = search()
  if (last) return last
  const why = match instanceof Error ? match.message : 'the process ended without it'
  throw new Error(`expected a line like ${String(pattern)}; ${why}; it printed:\n${running.stdout}\n${running.stderr}`)
}
