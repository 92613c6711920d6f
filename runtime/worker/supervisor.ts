import { toError, withCode } from '../core/errors.ts'
import { type Service, startAll, stopAll } from '../core/service.ts'
import { startTimer } from '../core/clock.ts'
import { Admission } from './execution/admission.ts'
import { Figures } from './execution/figures.ts'
import { Fetcher } from './reserve/fetcher.ts'
import { HeldJobs } from './reserve/held-jobs.ts'
import { HeapSnapshots } from './execution/heap-snapshots.ts'
import { JobRun, type JobRunOptions } from './execution/job-run.ts'
import { RunningJobs, ShownJobs, logStacks, handleControl } from './execution/running-jobs.ts'
import { Lease } from './lease/lease.ts'
import type { ClassManifest, Manifest } from '../messages.ts'
import { HookCalls } from './outcome/hook-calls.ts'
import { Settler } from './outcome/settler.ts'
import { Launchers } from './launchers/launcher.ts'
import type { WorkerVerb } from './signals.ts'
import { describeSupervisor, leaseLostCall, type SupervisorOptions, maintenanceOf } from './supervisor-options.ts'
import { ProcessTitle, workerTitle } from './titles.ts'
import { workerIds } from '../store/queues/queue-list.ts'
import { sweepOwn } from './lease/dead-processes.ts'
import { plural } from '../core/plural.ts'

export { checkQueues, type SupervisorOptions } from './supervisor-options.ts'

/** Takes jobs and has each run in a process of its own: reserve → launch → settle, one loop a slot. */
export class Supervisor implements Service {
  readonly name = 'supervisor'
  /** Resolves when it has left, by itself (drain) or by a signal. */
  readonly left: Promise<void>
  readonly #options: SupervisorOptions
  readonly #slots: string[]
  readonly #jobs = new RunningJobs()
  readonly #shown: ShownJobs
  readonly #fetcher: Fetcher
  readonly #held: HeldJobs | undefined
  readonly #lease: Lease
  readonly #services: Service[]
  readonly #launchers: Launchers
  readonly #hookCalls: HookCalls
  #manifest: ReadonlyMap<string, ClassManifest> = new Map()
  #loops: Promise<void>[] = []
  #ending: Promise<void> | undefined
  #hurried = false
  #leave: () => void = () => undefined
  #processed = 0
  readonly #title = new ProcessTitle(() =>
    workerTitle(this.#fetcher.paused, this.#jobs.pids, this.#options.queues, this.#options.clock.now()),
  )

  constructor(options: SupervisorOptions) {
    const { store, clock, log, queues, concurrency, pollMs, heartbeatMs, leaseMs, maxRedeliveries, limits, launcher } =
      options
    this.#options = options
    this.#launchers = new Launchers(launcher, options.otherLauncher)
    this.#slots = workerIds(queues, concurrency)
    this.#hookCalls = new HookCalls({ log, launcher, worker: this.#slots[0] ?? '' })
    this.left = new Promise((resolve) => (this.#leave = resolve))
    const maintenance = maintenanceOf(options)
    this.#lease = new Lease({
      store,
      clock,
      log,
      about: describeSupervisor(options),
      ...{ heartbeatMs, leaseMs },
      slots: this.#slots,
      limits: { maxRedeliveries, failedMax: limits.failedMax, ttlMs: limits.recordTtlMs },
      running: () => new Set([...this.#jobs.ids, ...(this.#held?.ids ?? [])]),
      keepsUp: () => maintenance.lock.isHeld,
      onLost: (id) => {
        this.#hookCalls.add(leaseLostCall(options, id, this.#jobs.ids))
        this.#held?.drop()
        this.#jobs.killAll('lease lost', 0)
      },
      onBeat: () => this.#hookCalls.collect(store.jobs),
      onCancelled: (jobs) => jobs.forEach((id) => this.#jobs.cancel(id)),
    })
    const common = { store, clock, log, supervisorId: () => this.#lease.id }
    this.#shown = new ShownJobs({ ...common, jobs: this.#jobs })
    const { recordTtlMs } = limits
    this.#held = options.takesAhead ? new HeldJobs({ ...common, workers: this.#slots, recordTtlMs }) : undefined
    this.#fetcher = new Fetcher({
      ...common,
      ...{ queues, pollMs, held: this.#held },
      weights: options.weights ?? {},
      slots: concurrency,
      onFenced: () => this.#lease.lose(),
      onEmpty: () => this.#onEmpty(),
    })
    this.#services = [
      this.#lease,
      ...maintenance.services,
      new Figures({ ...common, jobs: () => this.#jobs.all, launcher }),
      { name: 'fetcher', start: () => this.#fetcher.start(), stop: () => this.#fetcher.close() },
    ]
  }

  /** True while it has registered, its lease has not run out and it has not begun to leave. */
  get ready(): boolean {
    return this.#lease.id !== undefined && this.#loops.length > 0 && this.#ending === undefined
  }

  /** How many jobs this supervisor has taken to their end. */
  get processed(): number {
    return this.#processed
  }

  /** Jobs in hand: id, and the pid of their process. */
  get running(): { id: string; pid: number | undefined }[] {
    return this.#jobs.all.map((run) => ({ id: run.job.id, pid: run.pid }))
  }

  /** Preloads the application, registers, and begins to take jobs. @throws RuntimeError ERR_APP_LOAD, ERR_REDIS */
  async start(): Promise<void> {
    const failed = await this.#launchers.start().then((manifest) => this.#learn(manifest), toError)
    if (failed && !this.#ending) throw failed
    await startAll(this.#services, () => this.#ending !== undefined)
    // Asked to stop while it waited for Redis.
    if (this.#ending) return stopAll(this.#services)
    const { launcher, queues, log, store } = this.#options
    const { connection } = store
    await connection.listenIfAllowed(
      connection.keys.control(),
      (message) => handleControl(message, this.#jobs, store.stacks, log),
      log,
    )
    await this.#lease.describe({ launcher: launcher.name })
    log.info(`working on ${queues.join(',')} with ${launcher.name}, ${this.#slots.length} at a time`, {
      pid: process.pid,
      classes: this.#manifest.size,
    })
    if (this.#manifest.size === 0) log.warn('no job is exported under the jobs folders (jobs.paths): all jobs fail')
    const runOptions = this.#runOptions()
    this.#loops = this.#slots.map((slot) => this.#work(slot, runOptions))
    this.#title.show()
  }

  /** Says more of this supervisor to `runtime doctor` (a launcher's fallback and its reason). */
  describe(about: Record<string, string>): Promise<void> {
    return this.#lease.describe(about)
  }

  /** Finishes what runs, takes nothing more, and leaves. */
  async stop(): Promise<void> {
    await this.#end(this.#options.shutdownTimeoutMs)
  }

  /** Does what a signal asks. A second TERM or INT leaves at once. */
  handleControl(verb: WorkerVerb): void {
    const { log, gracefulTerm, shutdownTimeoutMs } = this.#options
    log.info(`got a signal: ${verb}`)
    if (verb === 'quit' || (verb === 'terminate' && gracefulTerm && !this.#ending)) void this.#end(shutdownTimeoutMs)
    else if (verb === 'terminate') void this.#terminate()
    else if (verb === 'kill children') this.#jobs.killAll('usr1')
    else if (verb === 'pause') this.#fetcher.pause()
    else if (verb === 'resume') this.#fetcher.resume()
    else if (verb === 'show stacks') void logStacks(this.#jobs.all, log)
    else void this.#reload()
    this.#title.show()
  }

  async #terminate(): Promise<void> {
    const again = this.#hurried
    this.#hurried = true
    const ending = this.#end(0)
    if (!again && this.#options.preShutdownTimeoutMs > 0)
      await this.#options.clock.sleep(this.#options.preShutdownTimeoutMs)
    this.#jobs.killAll('shutdown', again ? 0 : undefined)
    await ending
  }

  async #reload(): Promise<void> {
    const { log } = this.#options
    try {
      this.#learn(await this.#launchers.reload())
      log.info('the application was reloaded')
    } catch (error) {
      log.error(`the application cannot be reloaded, jobs use the old one: ${withCode(error)}`)
    }
  }

  #learn(manifest: Manifest): void {
    this.#manifest = new Map(manifest.classes.map((entry) => [entry.name, entry]))
    this.#hookCalls.learn(manifest.workerHooks)
    if (manifest.stackFault !== undefined) void this.describe({ stacks: manifest.stackFault })
  }

  /** One slot: takes a job, runs it, and takes the next, which runs while Redis records this one's end; a later one waits for that. */
  async #work(worker: string, options: JobRunOptions): Promise<void> {
    const [most, unrecorded]: [number, Promise<void>[]] = [this.#held?.unrecordedMost ?? 1, []]
    for (;;) {
      const job = await this.#fetcher.next(worker)
      if (!job) return void (await Promise.all(unrecorded))
      const run = new JobRun(job, worker, options)
      this.#jobs.add(run)
      this.#shown.add()
      this.#title.show()
      const running = run.run()
      if (unrecorded.length >= most) await unrecorded.shift()
      const end = await running
      this.#held?.measure(run.timeLine.elapsedMs)
      unrecorded.push(run.record(end))
    }
  }

  #forget(run: JobRun): void {
    this.#jobs.remove(run)
    this.#processed += 1
    this.#title.show()
    if (this.#options.drain) this.#fetcher.wake()
  }

  #runOptions(): JobRunOptions {
    const supervisorId = (): string | undefined => this.#lease.id
    return {
      ...this.#options,
      snapshots: new HeapSnapshots(this.#options.heapSnapshots),
      launcherFor: (isolation) => this.#launchers.of(isolation),
      settler: new Settler({ ...this.#options, supervisorId, onDeath: (notice) => this.#hookCalls.add(notice) }),
      admission: new Admission({ ...this.#options, supervisorId }),
      manifest: () => this.#manifest,
      onStarted: () => this.#title.show(),
      onRecorded: (run) => this.#forget(run),
    }
  }

  #onEmpty(): void {
    if (this.#options.drain && this.#jobs.size === 0) void this.#end(0)
  }

  /** Takes nothing more, waits for what runs, lets go of everything. Once, however often it is called. */
  #end(patienceMs: number): Promise<void> {
    this.#ending ??= (async () => {
      const { log } = this.#options
      this.#fetcher.stop()
      const patience = patienceMs > 0 ? startTimer(() => void this.#terminate(), patienceMs) : undefined
      await Promise.all(this.#loops)
      this.#shown.close()
      patience?.stop()
      await this.#hookCalls.close()
      await this.#launchers.stop()
      sweepOwn()
      await stopAll(this.#services).catch((error: unknown) => {
        log.warn(`stopping: ${withCode(error)}`)
      })
      log.info(`stopped after ${plural(this.#processed, 'job')}`)
      this.#leave()
    })()
    return this.#ending
  }
}
