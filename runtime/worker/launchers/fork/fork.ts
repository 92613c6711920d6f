import { channels } from '../../../core/channels.ts'
import { hasCode, withCode, RuntimeError } from '../../../core/errors.ts'
import type { Assignment, ChildMessage, Manifest, ZygoteFigures } from '../../../messages.ts'
import { buildForFork, type BuiltApp } from './app-build/built-app.ts'
import { Fallback, onlyLoaderLoads, temporaryRefusal, FailureWindow } from './fallback.ts'
import type { ForkedJob } from './forked-job.ts'
import type { ForkOptions } from './fork-options.ts'
import { JobSockets, type JobConnection } from './connection-pair.ts'
import { RelaunchedJob } from './relaunched-job.ts'
import { ZygoteProcess, type ZygoteStart } from './zygote-process.ts'
import { OWN_OUTPUT, type Ending, type LaunchedJob, type Launcher } from '../launcher.ts'
import { CannotFork, refuseFlags, refusePlatform, type Refusal } from './zygote/core/preflight-platform.ts'

/** Processes that never said `started`, and zygotes that died, within an hour: so many end the forking. */
const UNSTARTED_LIMIT = 2
const ZYGOTE_DEATHS_LIMIT = 10

/**
 * One forked process a job, from a zygote that has loaded the application: see docs/fork.md. Where that does not work
 * it hands all jobs to the fallback, and a single job whose process never said `started` as well: nothing of it has run.
 */
export class ForkLauncher implements Launcher {
  readonly name = 'fork'
  readonly #options: ForkOptions
  readonly #unstarted = new FailureWindow(UNSTARTED_LIMIT, 3_600_000)
  readonly #deaths = new FailureWindow(ZYGOTE_DEATHS_LIMIT, 3_600_000)
  readonly #counts = { generation: 0, restarts: 0, forked: 0, startedAtMs: 0 }
  readonly #zygotes = new Set<ZygoteProcess>()
  readonly #builds = new Set<BuiltApp>()
  readonly #fallback: Fallback
  #sockets: JobSockets | undefined
  /** The same as soon as it is known, so that a job need not wait for an iteration of the event loop. */
  #ready: ZygoteProcess | undefined
  /** The zygote for new jobs, when it is ready; undefined when jobs are not forked. */
  #current: Promise<ZygoteProcess | undefined> = Promise.resolve(undefined)
  #refusal: Refusal | undefined
  #stopped = false

  constructor(options: ForkOptions) {
    this.#options = options
    this.#fallback = new Fallback(options.fallback, options.spares ?? 1)
  }

  get zygote(): ZygoteFigures | undefined {
    return this.#ready?.pid === undefined ? undefined : { pid: this.#ready.pid, ...this.#counts }
  }

  /** Why jobs are not forked; undefined while they are. */
  get refusal(): Refusal | undefined {
    return this.#refusal
  }

  async start(): Promise<Manifest> {
    this.#stopped = false
    const refusal = refusePlatform() ?? refuseFlags(process.env)
    if (refusal) return this.#giveUp(refusal)
    try {
      this.#sockets = new JobSockets((connection) => this.#connect(connection))
      await this.#sockets.listen()
    } catch (error) {
      this.#sockets = undefined
      return this.#giveUp(temporaryRefusal(error))
    }
    return this.#nextGeneration().catch(async (error: unknown) => {
      await this.stop()
      throw error
    })
  }

  async reload(): Promise<Manifest> {
    if (this.#sockets) return this.#nextGeneration()
    return this.#fallback.takeOver()
  }

  launch(assignment: Assignment, onMessage: (message: ChildMessage) => void): LaunchedJob {
    const spawned = this.#refusal && this.#fallback.launch(assignment, onMessage)
    if (spawned) return spawned
    const listeners = { onMessage, onOutput: (this.#options.passOutput ?? OWN_OUTPUT).out }
    let used: ZygoteProcess | undefined
    const take = (zygote: ZygoteProcess | undefined): ForkedJob | undefined => {
      used = zygote
      return zygote?.take(assignment, listeners)
    }
    const first = this.#ready?.isGone === false ? take(this.#ready) : this.#current.then(take)
    const rescued: RelaunchedJob = new RelaunchedJob(first, assignment, onMessage, (ending, job) =>
      // One that had waited for a job since its last one has died: the next process will do.
      job?.isFirst === false ? Promise.resolve(this) : this.#rescue(ending, used, () => rescued.ended),
    )
    return rescued
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all([...this.#zygotes].map((zygote) => zygote.stop()))
    for (const build of this.#builds) build.remove()
    this.#builds.clear()
    await this.#sockets?.close()
    this.#sockets = undefined
    await this.#fallback.stop()
  }

  /**
   * Loads the application as it is now; the jobs that run finish on the old zygote. Where it cannot be forked it is
   * spawned; what keeps this machine from forking does so only where there is no old zygote to go on with.
   */
  async #nextGeneration(): Promise<Manifest> {
    try {
      return await this.#forkAnew()
    } catch (error) {
      if (error instanceof CannotFork && !this.#stopped) return this.#giveUp(error.refusal)
      if (error instanceof RuntimeError || this.#ready || this.#stopped) throw error
      return this.#giveUp(temporaryRefusal(error))
    }
  }

  /** What only a loader can load is spawned. @throws `error` where that does not work either, and all stays as it was */
  async #spawnIfThatLoads(error: Error): Promise<Manifest> {
    const manifest = await this.#fallback.tryTakeOver().catch(() => undefined)
    if (!manifest) throw error
    this.#stopForking(onlyLoaderLoads(error))
    return manifest
  }

  /** @throws RuntimeError ERR_APP_LOAD, CannotFork, and whatever keeps a zygote from starting */
  async #forkAnew(): Promise<Manifest> {
    const build = await buildForFork(this.#options.source)
    this.#builds.add(build)
    const discard = (): void => {
      this.#builds.delete(build)
      build.remove()
    }
    let zygote: ZygoteProcess
    let start: ZygoteStart
    try {
      if (this.#stopped) throw new RuntimeError('ERR_STATE', 'the launcher was stopped while it started')
      zygote = this.#bootZygote(build)
      start = await zygote.started
      if ('refusal' in start) throw new CannotFork(start.refusal)
    } catch (error) {
      discard()
      if (build.list && hasCode(error, 'ERR_APP_LOAD') && !this.#stopped) return this.#spawnIfThatLoads(error)
      throw error
    }
    const old = this.#current
    this.#current = Promise.resolve(zygote)
    this.#ready = zygote
    this.#refusal = undefined
    void old.then((former) => former?.retire())
    // Modules that a job imports late come from the build, so it stays as long as there is a zygote of it.
    void this.#watch(zygote, build)
      .catch((error: unknown) => this.#giveUpLater(temporaryRefusal(error).reason))
      .then(discard)
    this.#fallback.retire()
    return start.manifest
  }

  #bootZygote(build: BuiltApp): ZygoteProcess {
    const { source, bootTimeoutMs, startedTimeoutMs = 2000, passOutput = OWN_OUTPUT, jobsPerChild = 1 } = this.#options
    const counts = Object.assign(this.#counts, { generation: this.#counts.generation + 1, startedAtMs: Date.now() })
    // Of each zygote its own: when one goes, only what its own jobs have left goes with it.
    const mark = `${process.pid}-${counts.startedAtMs.toString(36)}-${counts.generation}`
    const zygote = new ZygoteProcess({
      boot: { source, built: build.files, socketPath: this.#sockets?.path ?? '', mark, jobsPerChild },
      ...{ bootTimeoutMs, startedTimeoutMs, passOutput, log: this.#options.log },
      spares: this.#options.spares ?? 1,
      nextLaunch: () => (counts.forked += 1),
    })
    this.#zygotes.add(zygote)
    void zygote.gone.then(() => this.#zygotes.delete(zygote))
    return zygote
  }

  /** Follows a zygote and those that must replace it, until this build is used no more. */
  async #watch(first: ZygoteProcess, build: BuiltApp): Promise<void> {
    let zygote = first
    for (;;) {
      await zygote.gone
      if (this.#stopped || (await this.#current) !== zygote) return
      this.#options.log.warn(`the process that forks (${zygote.pid}) died (${zygote.how}); a new one takes its place`)
      if (this.#deaths.add(Date.now())) return this.#giveUpLater('the process that forks keeps dying')
      this.#counts.restarts += 1
      channels.zygoteRestarts.publish(1)
      zygote = this.#bootZygote(build)
      const next = zygote.started.then(
        (start) => ('manifest' in start ? zygote : undefined),
        () => undefined,
      )
      this.#current = next
      const ready = await next
      // The application was reloaded meanwhile, and that has retired this one.
      if (this.#current !== next) return zygote.gone
      this.#ready = ready
      if (!ready) return this.#giveUpLater('the process that forks died, and no new one would start')
    }
  }

  #connect(connection: JobConnection): void {
    for (const zygote of this.#zygotes) {
      const forked = zygote.forked(connection.launch)
      if (forked) return forked.attach(connection)
    }
    connection.socket.destroy()
  }

  /** Who runs a job whose process did not come to life in `zygote`. */
  async #rescue(
    ending: Ending,
    zygote: ZygoteProcess | undefined,
    ended: () => Promise<Ending>,
  ): Promise<Launcher | undefined> {
    if (this.#stopped) return undefined
    // It died with its zygote; the next one will do.
    if (zygote?.isGone && !this.#refusal) return this
    this.#options.log.warn(
      `a forked process (pid ${ending.pid ?? 'none'}, ${ending.signal ?? `exit code ${ending.exitCode}`}) exited before its job began; the job is spawned instead`,
    )
    if (!this.#refusal && this.#unstarted.add(Date.now()))
      this.#giveUpLater(`${UNSTARTED_LIMIT} forked processes exited before their job began`)
    if (!this.#refusal) return this.#fallback.rescuer(ended())
    await this.#fallback.ready()
    return this
  }

  #giveUpLater(reason: string): void {
    this.#giveUp({
      reason,
      cure: 'look for memory limits (dmesg) and modules with native code; restart the worker to try again',
    }).catch((error: unknown) => this.#options.log.error(withCode(error)))
  }

  /** From now on every job goes to the fallback, which loads the application as it is now. */
  async #giveUp(refusal: Refusal): Promise<Manifest> {
    this.#stopForking(refusal)
    return this.#fallback.takeOver()
  }

  #stopForking(refusal: Refusal): void {
    const isNew = this.#refusal?.reason !== refusal.reason
    void this.#current.then((zygote) => zygote?.retire())
    this.#refusal = refusal
    this.#current = Promise.resolve(undefined)
    this.#ready = undefined
    if (isNew) {
      this.#options.log.warn(`jobs are not forked but spawned: ${refusal.reason}. Cure: ${refusal.cure}`)
      this.#options.onFallback?.(refusal)
    }
  }
}
