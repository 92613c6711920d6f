import { performance } from 'node:perf_hooks'
import { loadApp, type App, type AppSource } from '../../jobs/app.ts'
import type { Channel } from '../child/event-loop.ts'
import { execute } from '../child/executor.ts'
import { manifestOf } from '../execution/manifest.ts'
import type { Assignment, ChildMessage, Manifest, ParentMessage } from '../../messages.ts'
import type { Ending, LaunchedJob, Launcher } from './launcher.ts'

/** Processor time that this process has used, up to a millisecond old: asking the kernel costs as much as a good part of an empty job. */
class OwnUsage {
  #usage = process.cpuUsage()
  #readAt = performance.now()

  /** @param now `performance.now()` */
  at(now: number): NodeJS.CpuUsage {
    if (now - this.#readAt >= 1) {
      this.#usage = process.cpuUsage()
      this.#readAt = now
    }
    return this.#usage
  }
}

/** One job in this process. */
class InlineJob implements LaunchedJob {
  readonly pid: number
  readonly ended: Promise<Ending>
  readonly channel: Channel
  #resolve!: (ending: Ending) => void
  #deliver: ((message: ParentMessage) => void) | undefined

  constructor(pid: number, onMessage: (message: ChildMessage) => void) {
    this.pid = pid
    this.ended = new Promise((resolve) => (this.#resolve = resolve))
    this.channel = { send: onMessage, onMessage: (listener) => (this.#deliver = listener) }
  }

  end(ending: Ending): void {
    this.#resolve(ending)
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (signal === 'SIGTERM') this.send({ type: 'cancel', reason: 'stop requested' })
    else this.end({ pid: this.pid, exitCode: null, signal, started: true, output: [] })
  }

  send(message: ParentMessage): void {
    this.#deliver?.(message)
  }
}

/** Runs jobs in the supervisor's own process: no isolation, no boot, for tests and for many tiny trusted jobs. */
export class InlineLauncher implements Launcher {
  readonly name = 'inline'
  readonly #source: AppSource
  #app: App | undefined
  readonly #pid = process.pid
  #first = true
  readonly #usage = new OwnUsage()

  /** @param app given where the application is loaded already */
  constructor(source: AppSource, app?: App) {
    this.#source = source
    this.#app = app
  }

  async start(): Promise<Manifest> {
    this.#app ??= await loadApp(this.#source)
    return manifestOf(this.#app)
  }

  launch(assignment: Assignment, onMessage: (message: ChildMessage) => void): LaunchedJob {
    const app = this.#app
    if (!app) throw new Error('start() comes before launch()')
    const job = new InlineJob(this.#pid, onMessage)
    void this.#run(assignment, app, job)
    return job
  }

  /** Modules are cached for the life of a process: what changed is seen after a restart. */
  reload(): Promise<Manifest> {
    return this.start()
  }

  async stop(): Promise<void> {
    await this.#app?.hooks.workerExit?.()
  }

  async #run(assignment: Assignment, app: App, job: InlineJob): Promise<void> {
    job.channel.send({ type: 'started', pid: job.pid })
    const startedAt = performance.now()
    const before = this.#usage.at(startedAt)
    let loadMs: number | undefined
    const loaded = (): void => void (loadMs = performance.now() - startedAt)
    const outcome = await execute(assignment, app, job.channel, () => {
      const begun = this.#begin(assignment, app)
      return begun ? begun.then(loaded) : loaded()
    })
    const endedAt = performance.now()
    const after = this.#usage.at(endedAt)
    const usage = {
      cpuUserMs: (after.user - before.user) / 1000,
      cpuSystemMs: (after.system - before.system) / 1000,
    }
    const about = { pid: job.pid, exitCode: 0, signal: null, outcome, ranMs: endedAt - startedAt, loadMs }
    job.end({ ...about, started: true, ...usage, output: [] })
  }

  /** Calls the hooks of a new process, where the application has any. */
  #begin({ jobId, className, queue }: Assignment, { hooks }: App): Promise<void> | undefined {
    const { beforeFork, afterFork } = hooks
    const beforeFirstFork = this.#first ? hooks.beforeFirstFork : undefined
    this.#first = false
    if (!beforeFirstFork && !beforeFork && !afterFork) return undefined
    const about = { id: jobId, class: className, queue }
    return (async () => {
      await beforeFirstFork?.()
      if (beforeFork) await beforeFork(about)
      if (afterFork) await afterFork(about)
    })()
  }
}
