import { spawn, type ChildProcess } from 'node:child_process'
import { withCode, RuntimeError, type ErrorCode } from '../../../core/errors.ts'
import type { Logger } from '../../../core/logger.ts'
import { builtProgram } from '../../../core/package.ts'
import { startTimer } from '../../../core/timer.ts'
import { type AppSource, hasTypeScript } from '../../../jobs/app.ts'
import type { Assignment, ChildMessage, Manifest, ParentMessage } from '../../../wire.ts'
import { buildForSpawn, type BuiltApp } from '../fork/app-build/built-app.ts'
import type { BootMessage, UsageMessage } from './child.ts'
import { identityOf, supervisorVariable } from '../../lease/dead-processes.ts'
import { reported, type Ending, type Launched, type Launcher } from '../launcher.ts'
import { OutputTail } from '../output-tail.ts'
import { groupOptions, killGroup } from './process-group.ts'
import type { OnStack } from '../../where/stack-format.ts'

/** How to start job processes with child_process. */
export interface SpawnOptions {
  source: AppSource
  log: Logger
  /** Processes that wait with the application loaded, so that a job does not wait for a boot. */
  spares: number
  bootTimeoutMs: number
  /** Each job waits for a debugger, which is told the port on standard error. */
  inspectJobs?: boolean
  /** Where what jobs print goes; the supervisor's own standard output and error by default. */
  passOutput?: { out: (chunk: Buffer) => void; err: (chunk: Buffer) => void }
}

type FromChild = BootMessage | UsageMessage | ChildMessage

/** One process with the application loaded. */
interface Spare {
  child: ChildProcess
  tail: OutputTail
  /** Hears the stacks that it prints, once it has a job. */
  onStack: { hear: (message: ChildMessage) => void }
  ready: Promise<Manifest>
}

/** One fresh `child_process` a job, taken from spares that are loaded already. Works on every platform. */
export class SpawnLauncher implements Launcher {
  readonly name = 'spawn'
  readonly #options: SpawnOptions
  readonly #spares: Spare[] = []
  /** Each with what it has loaded. */
  readonly #all = new Map<ChildProcess, BuiltApp | undefined>()
  /** The application as it was built for the processes to come, where a loader cannot do it. */
  #build: BuiltApp | undefined
  /** Those of before too, while they have processes: a job may import late. */
  readonly #builds = new Set<BuiltApp>()
  #stopped = false

  constructor(options: SpawnOptions) {
    this.#options = options
  }

  async start(): Promise<Manifest> {
    this.#stopped = false
    return this.#nextGeneration()
  }

  async reload(): Promise<Manifest> {
    return this.#nextGeneration()
  }

  /** Builds and loads the application, with a loader where it cannot be built. */
  async #nextGeneration(): Promise<Manifest> {
    const build = await buildForSpawn(this.#options.source, this.#options.log)
    if (build) this.#builds.add(build)
    if (this.#stopped) {
      this.#removeBuilds()
      throw new RuntimeError('ERR_STATE', 'the launcher was stopped while it started')
    }
    if (!build) return this.#begin(build)
    // What only a loader loads may still run; what it cannot load either fails for the build's reason.
    return this.#begin(build).catch((error: unknown) =>
      this.#begin(undefined).catch(() => {
        throw error
      }),
    )
  }

  /** Boots a first process; only when it has loaded the application do the old spares go. */
  async #begin(build: BuiltApp | undefined): Promise<Manifest> {
    const first = this.#boot(build)
    const manifest = await first.ready.catch((error: unknown) => {
      killGroup(first.child, 'SIGKILL')
      throw error
    })
    for (const old of this.#spares.splice(0)) killGroup(old.child, 'SIGKILL')
    this.#build = build
    this.#spares.push(first)
    this.#refill()
    return manifest
  }

  launch(assignment: Assignment, onMessage: (message: ChildMessage) => void): Launched {
    const spare = this.#spares.shift() ?? this.#boot(this.#build)
    if (!this.#stopped) setImmediate(() => this.#refill())
    return this.#assign(spare, assignment, onMessage)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#spares.length = 0
    const gone = [...this.#all.keys()].map((child) => new Promise((resolve) => child.once('close', resolve)))
    for (const child of this.#all.keys()) killGroup(child, 'SIGKILL')
    await Promise.all(gone)
    this.#build = undefined
    this.#removeBuilds()
  }

  /** Those that no process uses, and none will. */
  #removeBuilds(): void {
    const used = [this.#build, ...this.#all.values()]
    for (const build of this.#builds) {
      if (used.includes(build)) continue
      this.#builds.delete(build)
      build.remove()
    }
  }

  #refill(): void {
    while (!this.#stopped && this.#spares.length < this.#options.spares) {
      const spare = this.#boot(this.#build)
      spare.ready.catch((error: unknown) => {
        if (!this.#stopped) this.#options.log.warn(`a job process could not load the application: ${withCode(error)}`)
      })
      this.#spares.push(spare)
    }
  }

  #boot(build: BuiltApp | undefined): Spare {
    const { source, bootTimeoutMs, passOutput } = this.#options
    const loader = hasTypeScript(source) && !build ? ['--import', import.meta.resolve('tsx')] : []
    const built = build?.list === undefined ? [] : [build.list]
    const program = [builtProgram('spawn-child'), JSON.stringify(source), String(process.pid), ...built]
    const child = spawn(process.execPath, ['--enable-source-maps', ...loader, ...program], {
      cwd: source.root,
      ...groupOptions(),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, [supervisorVariable]: identityOf() },
    })
    this.#all.set(child, build)
    child.once('close', () => {
      this.#all.delete(child)
      const at = this.#spares.findIndex((spare) => spare.child === child)
      if (at >= 0) this.#spares.splice(at, 1)
      this.#removeBuilds()
    })
    const tail = new OutputTail()
    const onStack = { hear: (_message: ChildMessage): void => undefined }
    const hear: OnStack = (frames, more) => onStack.hear({ type: 'stack', frames, more })
    if (child.stdout) tail.follow(child.stdout, passOutput?.out ?? ((chunk) => process.stdout.write(chunk)), hear)
    if (child.stderr) tail.follow(child.stderr, passOutput?.err ?? ((chunk) => process.stderr.write(chunk)), hear)
    const ready = booted(child, tail, bootTimeoutMs)
    ready.catch(() => undefined)
    return { child, tail, onStack, ready }
  }

  #assign(spare: Spare, assignment: Assignment, onMessage: (message: ChildMessage) => void): Launched {
    const { child, tail, ready, onStack } = spare
    onStack.hear = onMessage
    let started = false
    let outcome: Extract<ChildMessage, { type: 'outcome' }> | undefined
    let usage: UsageMessage | undefined
    child.on('message', (message: FromChild) => {
      if (message.type === 'outcome') {
        outcome = message
        // By itself it would not exit before the debugger has disconnected.
        if (this.#options.inspectJobs === true) killGroup(child, 'SIGKILL')
      } else if (message.type === 'usage') usage = message
      else if (message.type !== 'ready' && message.type !== 'broken') {
        if (message.type === 'started') started = true
        onMessage(message)
      }
    })
    const ended = new Promise<Ending>((resolve) => {
      const finish = (exitCode: number | null, signal: NodeJS.Signals | null): void => {
        killGroup(child, 'SIGKILL') // what the job left running goes with it (promise 8)
        resolve({
          pid: child.pid,
          exitCode,
          signal,
          ...(outcome ? reported(outcome) : {}),
          started,
          ...numbers(usage),
          output: tail.lines(),
        })
      }
      if (child.exitCode !== null || child.signalCode !== null) finish(child.exitCode, child.signalCode)
      else {
        // `exit` comes before the last output is read, and `close` waits for grandchildren that hold the pipe: kill those first.
        child.once('exit', () => killGroup(child, 'SIGKILL'))
        child.once('close', (code: number | null, signal: NodeJS.Signals | null) => finish(code, signal))
      }
    })
    void ready.then(
      () => send(child, { type: 'assignment', assignment, inspect: this.#options.inspectJobs }),
      () => killGroup(child, 'SIGKILL'),
    )
    return {
      pid: child.pid,
      ended,
      kill: (signal) => (signal === 'SIGTERM' ? child.kill('SIGTERM') : killGroup(child, 'SIGKILL')),
      send: (message) => send(child, message),
    }
  }
}

/** Resolves with the manifest when the process has loaded the application; rejects when it cannot, or takes too long. */
function booted(child: ChildProcess, tail: OutputTail, timeoutMs: number): Promise<Manifest> {
  return new Promise<Manifest>((resolve, reject) => {
    const timer = startTimer(() => {
      reject(
        new RuntimeError(
          'ERR_APP_LOAD',
          `the application: expected to load within ${timeoutMs} ms, it did not; is something waiting at import? (worker.bootTimeoutMs)`,
        ),
      )
    }, timeoutMs)
    const refuse = (error: Error): void => {
      timer.stop()
      reject(error)
    }
    child.on('message', (message: FromChild) => {
      if (message.type === 'broken') refuse(new RuntimeError(message.code as ErrorCode, message.message))
      if (message.type !== 'ready') return
      timer.stop()
      resolve(message.manifest)
    })
    child.once('error', refuse)
    child.once('close', (code, signal) => {
      const how = `a job process ended (${signal ?? `exit code ${code}`}) while it loaded the application`
      refuse(new RuntimeError('ERR_APP_LOAD', `${how}: ${tail.lines().join(' | ')}`))
    })
  })
}

function send(child: ChildProcess, message: ParentMessage): void {
  if (child.connected) child.send(message, () => undefined)
}

function numbers(usage: UsageMessage | undefined): Pick<Ending, 'cpuUserMs' | 'cpuSystemMs' | 'peakRssBytes'> {
  return usage ? { cpuUserMs: usage.cpuUserMs, cpuSystemMs: usage.cpuSystemMs, peakRssBytes: usage.peakRssBytes } : {}
}
