import type { Manifest } from '../../protocol.ts'
import type { Ending, Launcher } from '../launcher.ts'

/** What runs the jobs that are not forked: all of them, once forking is given up; before that one now and then. */
export class Fallback {
  readonly #make: (spares: number) => Launcher
  readonly #spares: number
  #taken: { launcher: Launcher; manifest: Promise<Manifest> } | undefined
  /** One for each job that could not be forked, as long as it runs. */
  readonly #rescuers = new Set<Launcher>()

  /** `make` makes the launcher (`spawn`); `spares`: how many processes it keeps ready when it runs all jobs. */
  constructor(make: (spares: number) => Launcher, spares: number) {
    this.#make = make
    this.#spares = spares
  }

  /** The launcher of all jobs; undefined before it was asked to take over. */
  get launcher(): Launcher | undefined {
    return this.#taken?.launcher
  }

  /** Loads the application, anew where it was loaded before, for all jobs to come. */
  takeOver(): Promise<Manifest> {
    if (this.#taken) return this.#taken.launcher.reload()
    const launcher = this.#make(this.#spares)
    const manifest = launcher.start()
    this.#taken = { launcher, manifest }
    return manifest
  }

  /** The launcher of all jobs when it has loaded the application, where there is one. */
  async ready(): Promise<Launcher | undefined> {
    await this.#taken?.manifest
    return this.#taken?.launcher
  }

  /** A launcher for one job, which keeps nothing ready and goes when the job has `ended`. */
  async rescuer(ended: Promise<Ending>): Promise<Launcher> {
    const launcher = this.#make(0)
    this.#rescuers.add(launcher)
    void ended.then(async () => {
      await launcher.stop()
      this.#rescuers.delete(launcher)
    })
    await launcher.start()
    return launcher
  }

  async stop(): Promise<void> {
    for (const launcher of [this.#taken?.launcher, ...this.#rescuers]) await launcher?.stop()
  }
}
