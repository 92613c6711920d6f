import type { Assignment, ChildMessage, Manifest } from '../../../messages.ts'
import type { Ending, LaunchedJob, Launcher } from '../launcher.ts'
import type { Refusal } from './zygote/core/preflight-platform.ts'

/** A launcher that runs all jobs. */
interface Taken {
  launcher: Launcher
  manifest: Promise<Manifest>
  running: number
  isRetired: boolean
}

/** What runs the jobs that are not forked: all of them, once forking is given up; before that one now and then. */
export class Fallback {
  readonly #make: (spares: number) => Launcher
  readonly #spares: number
  #taken: Taken | undefined
  /** All that are not stopped yet. */
  readonly #launchers = new Set<Launcher>()

  /** `make` makes the launcher (`spawn`); `spares`: how many processes it keeps ready when it runs all jobs. */
  constructor(make: (spares: number) => Launcher, spares: number) {
    this.#make = make
    this.#spares = spares
  }

  /** Loads the application, again where it was loaded before, for all later jobs. */
  takeOver(): Promise<Manifest> {
    if (this.#taken) return this.#taken.launcher.reload()
    const launcher = this.#makeOne(this.#spares)
    const manifest = launcher.start()
    this.#taken = { launcher, manifest, running: 0, isRetired: false }
    return manifest
  }

  /** As `takeOver`, but where the application cannot be loaded this way either, all stays as it was. */
  async tryTakeOver(): Promise<Manifest> {
    if (this.#taken) return this.#taken.launcher.reload()
    const launcher = this.#makeOne(this.#spares)
    try {
      const manifest = await launcher.start()
      this.#taken = { launcher, manifest: Promise.resolve(manifest), running: 0, isRetired: false }
      return manifest
    } catch (error) {
      await this.#stopOne(launcher)
      throw error
    }
  }

  /** Resolves when the launcher that has taken over has loaded the application. */
  async ready(): Promise<void> {
    await this.#taken?.manifest
  }

  /** Runs a job; undefined when no launcher has taken over. */
  launch(assignment: Assignment, onMessage: (message: ChildMessage) => void): LaunchedJob | undefined {
    const taken = this.#taken
    if (!taken) return undefined
    const launched = taken.launcher.launch(assignment, onMessage)
    taken.running += 1
    void launched.ended.then(() => {
      taken.running -= 1
      return this.#stopWhenIdle(taken)
    })
    return launched
  }

  /** Jobs are forked again: the processes that wait go at once or with the last job that runs. */
  retire(): void {
    const taken = this.#taken
    this.#taken = undefined
    if (!taken) return
    taken.isRetired = true
    void this.#stopWhenIdle(taken)
  }

  /** A launcher for one job, which keeps nothing ready and goes when the job has `ended`. */
  async rescuer(ended: Promise<Ending>): Promise<Launcher> {
    const launcher = this.#makeOne(0)
    void ended.then(() => this.#stopOne(launcher))
    await launcher.start()
    return launcher
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#launchers].map((launcher) => this.#stopOne(launcher)))
    this.#taken = undefined
  }

  #makeOne(spares: number): Launcher {
    const launcher = this.#make(spares)
    this.#launchers.add(launcher)
    return launcher
  }

  async #stopWhenIdle({ launcher, running, isRetired }: Taken): Promise<void> {
    if (isRetired && running === 0) await this.#stopOne(launcher)
  }

  async #stopOne(launcher: Launcher): Promise<void> {
    await launcher.stop()
    this.#launchers.delete(launcher)
  }
}

/** What keeps this machine, for now, from forking. */
export const temporaryRefusal = (error: unknown): Refusal => ({
  reason: `forking could not be prepared: ${(error as Error).message}`,
  cure: `nothing is broken: jobs run through \`spawn\`; correct that and send SIGHUP, or set isolation: spawn in runtime.yml to silence this`,
})

/** The application can be loaded, but not as it was built. */
export const onlyLoaderLoads = (error: Error): Refusal => ({
  reason: `the application can be loaded with a TypeScript loader only, not as it is built for forks: ${error.message}`,
  cure: 'nothing is broken: jobs run through `spawn`; correct that and send SIGHUP, or set isolation: spawn in runtime.yml to silence this',
})

/** Counts mishaps and says when there were too many of them within a while. */
export class FailureWindow {
  readonly #limit: number
  readonly #windowMs: number
  #times: number[] = []

  constructor(limit: number, windowMs: number) {
    this.#limit = limit
    this.#windowMs = windowMs
  }

  /** Notes one, at a time in ms. True when it is one too many. */
  add(now: number): boolean {
    this.#times = [...this.#times.filter((time) => now - time < this.#windowMs), now]
    return this.#times.length >= this.#limit
  }
}
