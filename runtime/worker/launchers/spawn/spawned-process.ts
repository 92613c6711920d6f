import { spawn, type ChildProcess } from 'node:child_process'
import { RuntimeError, type ErrorCode } from '../../../core/errors.ts'
import { builtProgram } from '../../../core/package.ts'
import { afterTicks, startTimer } from '../../../core/clock.ts'
import { hasTypeScript } from '../../../jobs/app.ts'
import type { Assignment, ChildMessage, Manifest, ParentMessage } from '../../../messages.ts'
import { identityOf, supervisorVariable } from '../../lease/dead-processes.ts'
import type { OnStack } from '../../stack/stack-format.ts'
import type { BuiltApp } from '../fork/app-build/built-app.ts'
import { endingFields, notReusedText, type Ending, type LaunchedJob, type ProcessOptions } from '../launcher.ts'
import { OutputTail } from '../output-tail.ts'
import type { BootMessage } from './child.ts'
import { groupOptions, killGroup } from './process-group.ts'

/** What one spawned process needs. */
export interface SpawnedProcessOptions extends Required<ProcessOptions> {
  /** Undefined where a loader loads the application. */
  build: BuiltApp | undefined
  /** Folder in which Node 22.1 and later keep compiled code: a process loads what one before it has compiled. */
  compiled: string
  /** It has ended its job and waits for another. */
  onIdle: (process: SpawnedProcess) => void
}

/** The event loop has waited for descriptors once more when a second `setImmediate` comes. */
const TICKS_TO_READ = 2

/** One job in a spawned process. */
interface Job {
  assignment: Assignment
  onMessage: (message: ChildMessage) => void
  started: boolean
  /** The supervisor stopped it: its process is not used again. */
  isStopped: boolean
  outcome?: Extract<ChildMessage, { type: 'outcome' }>
  resolve: (ending: Ending) => void
}

/** One process with the application loaded. It runs one job at a time, one by default. */
export class SpawnedProcess {
  /** Resolves when the application is loaded; rejects when it cannot be, or takes too long. */
  readonly ready: Promise<Manifest>
  /** Resolves when it has ended, and all that it printed was read. */
  readonly gone: Promise<void>
  isReady = false
  /** What it has loaded. */
  readonly build: BuiltApp | undefined
  readonly #options: SpawnedProcessOptions
  readonly #child: ChildProcess
  /** Of what it printed before, or in, its first job; then of each job. */
  readonly #tail = new OutputTail()
  #jobs = 0
  #job: Job | undefined

  constructor(options: SpawnedProcessOptions) {
    this.#options = options
    this.build = options.build
    const { passOutput } = options
    this.#child = start(options)
    const { stdout, stderr } = this.#child
    const hear: OnStack = (frames, more) => this.#job?.onMessage({ type: 'stack', frames, more })
    if (stdout) this.#tail.follow(stdout, passOutput.out, hear)
    if (stderr) this.#tail.follow(stderr, passOutput.err, hear)
    this.#child.on('message', (message: BootMessage | ChildMessage) => this.#hear(message))
    this.ready = this.#booted()
    this.ready.then(
      () => (this.isReady = true),
      () => undefined,
    )
    // `exit` comes before the last output is read, and `close` waits for grandchildren that hold the pipe: those go first.
    this.#child.once('exit', () => this.kill())
    this.gone = new Promise((resolve) => {
      this.#child.once('close', (exitCode, signal) => {
        this.#end({ exitCode, signal })
        resolve()
      })
    })
  }

  /** Ends it, with all that it started (promise 8). */
  kill(): void {
    killGroup(this.#child, 'SIGKILL')
  }

  /** Runs a job in it. */
  run(assignment: Assignment, onMessage: (message: ChildMessage) => void): LaunchedJob {
    const job: Job = {
      assignment,
      onMessage,
      started: false,
      isStopped: false,
      resolve: () => undefined,
    }
    const ended = new Promise<Ending>((resolve) => (job.resolve = resolve))
    this.#job = job
    if (this.#jobs > 0) this.#tail.clear()
    this.#jobs += 1
    const { exitCode, signalCode: signal } = this.#child
    if (exitCode !== null || signal !== null) this.#end({ exitCode, signal })
    void this.ready.then(
      () => this.#send({ type: 'assignment', assignment }),
      () => this.kill(),
    )
    return {
      pid: this.#child.pid,
      ended,
      kill: (name) => {
        if (this.#job !== job) return
        job.isStopped = true
        if (name === 'SIGTERM') this.#child.kill('SIGTERM')
        else this.kill()
      },
      send: (message) => {
        if (this.#job !== job) return
        job.isStopped ||= message.type === 'cancel'
        this.#send(message)
      },
    }
  }

  #hear(message: BootMessage | ChildMessage): void {
    const job = this.#job
    if (!job || message.type === 'ready' || message.type === 'broken') return
    if (message.type !== 'outcome') {
      if (message.type === 'started') job.started = true
      return job.onMessage(message)
    }
    job.outcome = message
    // By itself it would not exit before the debugger has disconnected.
    if (job.assignment.inspect === true) this.kill()
    const { log, onIdle } = this.#options
    if (message.spent !== undefined) log.debug(notReusedText(job.assignment.className, this.#child.pid, message.spent))
    if (!message.stays) return
    // What the job printed lies in the kernel's buffers.
    afterTicks(TICKS_TO_READ, () => {
      if (this.#job !== job) return
      if (job.isStopped) return this.kill()
      this.#end({ exitCode: 0, signal: null })
      onIdle(this)
    })
  }

  /** The end of the job, if there is one. */
  #end(how: Pick<Ending, 'exitCode' | 'signal'>): void {
    const job = this.#job
    this.#job = undefined
    if (!job) return
    const { started, outcome } = job
    job.resolve({
      pid: this.#child.pid,
      ...how,
      ...(outcome ? endingFields(outcome) : {}),
      started,
      output: this.#tail.lines(),
    })
  }

  #send(message: ParentMessage): void {
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }

  #booted(): Promise<Manifest> {
    const { bootTimeoutMs } = this.#options
    return new Promise<Manifest>((resolve, reject) => {
      const fail = (code: string, message: string): void => {
        timer.stop()
        reject(new RuntimeError(code as ErrorCode, message))
      }
      const timer = startTimer(() => {
        fail(
          'ERR_APP_LOAD',
          `the application: expected to load within ${bootTimeoutMs} ms, it did not; is something waiting at import? (worker.bootTimeoutMs)`,
        )
      }, bootTimeoutMs)
      this.#child.on('message', (message: BootMessage | ChildMessage) => {
        if (message.type === 'broken') fail(message.code, message.message)
        if (message.type !== 'ready') return
        timer.stop()
        resolve(message.manifest)
      })
      this.#child.once('error', (error) => {
        timer.stop()
        reject(error)
      })
      this.#child.once('close', (code, signal) => {
        const how = `a job process ended (${signal ?? `exit code ${code}`}) while it loaded the application`
        fail('ERR_APP_LOAD', `${how}: ${this.#tail.lines().join(' | ')}`)
      })
    })
  }
}

function start({ source, build, jobsPerChild, compiled }: SpawnedProcessOptions): ChildProcess {
  const loader = hasTypeScript(source) && !build ? ['--import', import.meta.resolve('tsx')] : []
  const built = build?.list === undefined ? [] : [build.list]
  const about = [JSON.stringify(source), String(process.pid), String(jobsPerChild), ...built]
  return spawn(process.execPath, ['--enable-source-maps', ...loader, builtProgram('spawn-child'), ...about], {
    cwd: source.root,
    ...groupOptions(),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, [supervisorVariable]: identityOf(), NODE_COMPILE_CACHE: compiled },
  })
}
