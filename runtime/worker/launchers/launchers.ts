import type { ClassManifest, Manifest } from '../../wire.ts'
import type { Launcher } from './launcher.ts'

type Isolation = NonNullable<ClassManifest['isolation']>

/** A worker's launcher, and those of classes that ask for another isolation: each kind that is asked for has one. */
export class Launchers {
  readonly #main: Launcher
  readonly #make: ((isolation: Isolation) => Launcher | undefined) | undefined
  readonly #others = new Map<Isolation, Launcher>()

  /** @param make a launcher of another kind than `main`; undefined where there is none */
  constructor(main: Launcher, make?: (isolation: Isolation) => Launcher | undefined) {
    this.#main = main
    this.#make = make
  }

  /** Loads the application. @throws RuntimeError ERR_APP_LOAD */
  async start(): Promise<Manifest> {
    const manifest = await this.#main.start()
    for (const { isolation } of manifest.classes) {
      if (!isolation || isolation === this.#main.name || this.#others.has(isolation)) continue
      const other = this.#make?.(isolation)
      if (!other) continue
      this.#others.set(isolation, other)
      await other.start()
    }
    return manifest
  }

  /** Loads the application as it is now. @throws RuntimeError ERR_APP_LOAD: then the old one stays */
  async reload(): Promise<Manifest> {
    const manifest = await this.#main.reload()
    for (const other of this.#others.values()) await other.reload()
    return manifest
  }

  /** The launcher for a class; the worker's own where the class asks for none. */
  of(isolation: ClassManifest['isolation']): Launcher {
    return (isolation && this.#others.get(isolation)) ?? this.#main
  }

  async stop(): Promise<void> {
    for (const launcher of [this.#main, ...this.#others.values()]) await launcher.stop()
  }
}
