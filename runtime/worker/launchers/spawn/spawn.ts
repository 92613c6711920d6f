import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { withCode, RuntimeError } from '../../../core/errors.ts'
import type { Assignment, ChildMessage, Manifest } from '../../../messages.ts'
import { buildForSpawn, type BuiltApp } from '../fork/app-build/built-app.ts'
import { identityOf, removeFoldersOfDead } from '../../lease/dead-processes.ts'
import { OWN_OUTPUT, type LaunchedJob, type Launcher, type ProcessOptions } from '../launcher.ts'
import { SpawnedProcess } from './spawned-process.ts'

/** How to start job processes with child_process. */
export interface SpawnOptions extends ProcessOptions {
  /** Processes that wait with the application loaded, so that a job does not wait for a boot; more while jobs come fast. */
  spares: number
}

/** First part of the name of the folder with compiled code. */
const COMPILED = 'resque-runtime-compiled-'

/** One fresh `child_process` a job, taken from spares that are loaded already. Works on every platform. */
export class SpawnLauncher implements Launcher {
  readonly name = 'spawn'
  readonly #options: SpawnOptions
  /** Those that wait for a job, fresh or used before. */
  readonly #spares: SpawnedProcess[] = []
  readonly #all = new Set<SpawnedProcess>()
  readonly #pace: SparePace
  /** The application as it was built for the processes to come, where a loader cannot do it. */
  #build: BuiltApp | undefined
  /** Those of before too, while they have processes: a job may import late. */
  readonly #builds = new Set<BuiltApp>()
  /** See {@link SpawnedProcessOptions.compiled}. */
  #compiled = ''
  readonly #processors = availableParallelism()
  /** Grows with each load of the application. */
  #generation = 0
  #stopped = false

  constructor(options: SpawnOptions) {
    this.#options = options
    this.#pace = new SparePace(options.spares, this.#processors)
  }

  async start(): Promise<Manifest> {
    this.#stopped = false
    removeFoldersOfDead(tmpdir(), COMPILED)
    this.#compiled ||= mkdtempSync(join(tmpdir(), `${COMPILED}${identityOf()}-`))
    return this.#nextGeneration()
  }

  async reload(): Promise<Manifest> {
    return this.#nextGeneration()
  }

  launch(assignment: Assignment, onMessage: (message: ChildMessage) => void): LaunchedJob {
    this.#pace.launched(performance.now())
    const spare = this.#take() ?? this.#boot(this.#build)
    if (!this.#stopped) setImmediate(() => this.#refill())
    return spare.run(assignment, onMessage)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#spares.length = 0
    const all = [...this.#all]
    for (const one of all) one.kill()
    await Promise.all(all.map((one) => one.gone))
    if (this.#compiled !== '') rmSync(this.#compiled, { recursive: true, force: true })
    this.#compiled = ''
    this.#build = undefined
    this.#removeBuilds()
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
    this.#generation += 1
    const first = this.#boot(build)
    const manifest = await first.ready.catch((error: unknown) => {
      first.kill()
      throw error
    })
    for (const old of this.#spares.splice(0)) old.kill()
    this.#build = build
    this.#spares.push(first)
    this.#refill()
    return manifest
  }

  /** One that has loaded the application, else the one that began to first. */
  #take(): SpawnedProcess | undefined {
    const at = this.#spares.findIndex((spare) => spare.isReady)
    return this.#spares.splice(Math.max(at, 0), 1)[0]
  }

  /** Boots one after another for each processor: side by side on one they would all be ready later. */
  #refill(): void {
    const wanted = this.#pace.wanted(performance.now())
    const isBooting = (one: SpawnedProcess): boolean => !one.isReady
    while (
      !this.#stopped &&
      this.#spares.length < wanted &&
      [...this.#all].filter(isBooting).length < this.#processors
    ) {
      const spare = this.#boot(this.#build)
      this.#spares.push(spare)
      spare.ready.then(
        () => this.#refill(),
        (error: unknown) => {
          spare.kill()
          if (!this.#stopped) this.#options.log.warn(`a job process could not load the application: ${withCode(error)}`)
        },
      )
    }
  }

  #boot(build: BuiltApp | undefined): SpawnedProcess {
    const { source, bootTimeoutMs, log, jobsPerChild = 1, passOutput = OWN_OUTPUT } = this.#options
    const generation = this.#generation
    // One that has a job while the application is loaded again is of an older one when it ends.
    const onIdle = (one: SpawnedProcess): void =>
      generation === this.#generation && !this.#stopped ? void this.#spares.unshift(one) : one.kill()
    const startedAt = performance.now()
    const made = new SpawnedProcess({
      ...{ source, build, bootTimeoutMs, jobsPerChild, log, passOutput, onIdle },
      compiled: this.#compiled,
    })
    made.ready.then(
      () => this.#pace.booted(performance.now() - startedAt),
      () => undefined,
    )
    this.#all.add(made)
    void made.gone.then(() => {
      this.#all.delete(made)
      const at = this.#spares.indexOf(made)
      if (at >= 0) this.#spares.splice(at, 1)
      this.#removeBuilds()
    })
    return made
  }

  /** Those that no process uses, and none will. */
  #removeBuilds(): void {
    const used = [this.#build, ...[...this.#all].map(({ build }) => build)]
    for (const build of this.#builds) {
      if (used.includes(build)) continue
      this.#builds.delete(build)
      build.remove()
    }
  }
}

/** Boots that the estimate of a boot's length looks back on, about. */
const BOOTS_KEPT = 4
/** Lengths of a boot in which jobs are counted: in one alone there are too few to count on. */
const BOOTS_COUNTED = 4

/**
 * How many processes to keep ready. A job takes one, and the next is there a boot later: so as many are kept as jobs come in that time,
 * and three times the spread of that number on top, so that about one job in a hundred finds none while processors have time to spare.
 */
export class SparePace {
  readonly #least: number
  readonly #most: number
  #bootMs = 0
  /** When the last jobs came, oldest first. */
  readonly #launchedAtMs: number[] = []

  /** @param spares at least @param processors how many may boot beside each other: more spares than twice as many on top never help */
  constructor(spares: number, processors: number) {
    this.#least = spares
    this.#most = spares === 0 ? 0 : spares + 2 * processors
  }

  /** A process has loaded the application. */
  booted(tookMs: number): void {
    this.#bootMs += (tookMs - this.#bootMs) / (this.#bootMs === 0 ? 1 : BOOTS_KEPT)
  }

  /** A job has come. */
  launched(nowMs: number): void {
    this.#launchedAtMs.push(nowMs)
    if (this.#launchedAtMs.length > BOOTS_COUNTED * this.#most) this.#launchedAtMs.shift()
  }

  wanted(nowMs: number): number {
    const recent = this.#launchedAtMs.filter((atMs) => nowMs - atMs <= BOOTS_COUNTED * this.#bootMs).length
    const inBoot = recent / BOOTS_COUNTED
    return Math.min(Math.max(this.#least, Math.ceil(inBoot + 3 * Math.sqrt(inBoot))), this.#most)
  }
}
