import { loadApp, type App, type AppSource } from '../../jobs/app.ts'
import { execute, type Channel } from '../child/executor.ts'
import { manifestOf } from '../execution/manifest.ts'
import type { Assignment, ChildMessage, Manifest, ParentMessage } from '../../messages.ts'
import type { Ending, LaunchedJob, Launcher } from './launcher.ts'

/** Processor time that this process has used, up to a millisecond old: asking the kernel costs as much as a good part of an empty job. */
class OwnUsage {
  #usage = process.cpuUsage()
  #readAt = performance.now()

  now(): NodeJS.CpuUsage {
    const now = performance.now()
    if (now - this.#readAt >= 1) {
      this.#usage = process.cpuUsage()
      this.#readAt = now
    }
    return this.#usage
  }
}

/** Runs jobs in the supervisor's own process: no isolation, no boot, for tests and for many tiny trusted jobs. */
export class InlineLauncher implements Launcher {
  readonly name = 'inline'
  readonly #source: AppSource
  #app: App | undefined
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
    let deliver: ((message: ParentMessage) => void) | undefined
    let giveUp: (signal: NodeJS.Signals) => void = () => undefined
    const channel: Channel = { send: onMessage, onMessage: (listener) => (deliver = listener) }
    const ended = new Promise<Ending>((resolve) => {
      giveUp = (signal) => resolve({ pid: process.pid, exitCode: null, signal, started: true, output: [] })
      void this.#run(assignment, app, channel).then(resolve)
    })
    return {
      pid: process.pid,
      ended,
      kill: (signal) =>
        signal === 'SIGTERM' ? deliver?.({ type: 'cancel', reason: 'stop requested' }) : giveUp(signal),
      send: (message) => deliver?.(message),
    }
  }

  /** Modules are cached for the life of a process: what changed is seen after a restart. */
  reload(): Promise<Manifest> {
    return this.start()
  }

  async stop(): Promise<void> {
    await this.#app?.hooks.workerExit?.()
  }

  async #run(assignment: Assignment, app: App, channel: Channel): Promise<Ending> {
    const about = { id: assignment.jobId, class: assignment.className, queue: assignment.queue }
    channel.send({ type: 'started', pid: process.pid })
    const startedAt = performance.now()
    const before = this.#usage.now()
    let loadMs: number | undefined
    const outcome = await execute(assignment, app, channel, async () => {
      const { beforeFirstFork, beforeFork, afterFork } = app.hooks
      if (this.#first) await beforeFirstFork?.()
      this.#first = false
      if (beforeFork) await beforeFork(about)
      if (afterFork) await afterFork(about)
      loadMs = performance.now() - startedAt
    })
    const after = this.#usage.now()
    return {
      pid: process.pid,
      exitCode: 0,
      signal: null,
      outcome,
      ranMs: performance.now() - startedAt,
      ...(loadMs === undefined ? {} : { loadMs }),
      started: true,
      cpuUserMs: (after.user - before.user) / 1000,
      cpuSystemMs: (after.system - before.system) / 1000,
      output: [],
    }
  }
}
