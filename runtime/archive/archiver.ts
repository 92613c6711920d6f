import { backoffMs, type Clock } from '../core/clock.ts'
import { hasCode, withCode } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import type { Logger } from '../core/logger.ts'
import { Loop, type Service } from '../core/service.ts'
import type { ArchiveEntry } from '../store/archive.ts'
import type { Store } from '../store/store.ts'
import type { ArchiveSettings } from './open-archive.ts'
import { PostgresArchive } from './postgres-archive.ts'
import { openPool, postgresPauses } from './postgres.ts'
import { readRecord } from './record.ts'
import { plural } from '../core/plural.ts'

/** What an archiver needs. */
export interface ArchiverOptions {
  store: Store
  clock: Clock
  log: Logger
  settings: ArchiveSettings
  namespace: string
  /** Longest pause between two looks at the stream, in ms. */
  pauseMs?: number
}

/** An archiver that does not renew its lock for this long loses it to another. */
const leaseMs = 30_000
/** Another archiver has the lock: look again. */
const idleMs = 5000

/**
 * Moves what has ended from Redis to PostgreSQL, in batches: written first, removed then. A crash between the two writes
 * a batch again, which changes nothing. Every worker and scheduler has one; a lock lets one of them move records. Without PostgreSQL it only
 * says how much Redis shall keep.
 */
export class Archiver implements Service {
  readonly name = 'archiver'
  readonly #options: ArchiverOptions
  readonly #owner = newId()
  readonly #loop: Loop | undefined
  #archive: PostgresArchive | undefined
  #failures = 0
  #trouble: string | undefined
  #droppedSaid = 0

  constructor(options: ArchiverOptions) {
    const { clock, log, settings, pauseMs = 1000 } = options
    this.#options = options
    if (settings.url === undefined) return
    this.#loop = new Loop({ name: this.name, clock, log, intervalMs: pauseMs, tick: () => this.#tick() })
  }

  async start(): Promise<void> {
    const { store, settings } = this.#options
    if (settings.url === undefined) return store.archive.configure('redis', settings.maxRecords)
    await store.archive.configure('postgres', settings.maxPending)
    await this.#loop?.start()
  }

  /** Moves what there is, once, and leaves. */
  async stop(): Promise<void> {
    if (!this.#loop) return
    await this.#loop.stop()
    if (this.#failures === 0) await this.#drain(1).catch(() => undefined)
    await this.#options.store.archive.release(this.#owner).catch(() => undefined)
    await this.#archive?.close()
    this.#archive = undefined
  }

  /**
   * Moves batches until fewer than `few` entries are left: a whole batch is worth a round trip at once, less can wait.
   * @returns false when it is another's turn
   */
  async #drain(few = this.#options.settings.batchSize): Promise<boolean> {
    const { store, settings, namespace } = this.#options
    for (;;) {
      const entries = await store.archive.take(this.#owner, leaseMs, settings.batchSize)
      if (!entries) return false
      if (entries.length === 0) return true
      this.#archive ??= new PostgresArchive(openPool(settings.url ?? ''), namespace)
      const left = await this.#move(this.#archive, entries)
      if (left < few) return true
    }
  }

  async #move(archive: PostgresArchive, entries: readonly ArchiveEntry[]): Promise<number> {
    const { store, log, clock } = this.#options
    const records = entries.map(readRecord).filter((record) => record !== undefined)
    const { refused } = await archive.write(records)
    for (const { id, why } of refused) log.error(`archive: record ${id} is given up: ${why}`)
    return store.archive.done(
      this.#owner,
      entries.map(({ entry }) => entry),
      clock.now(),
    )
  }

  async #tick(): Promise<number | undefined> {
    try {
      const mine = await this.#drain()
      await this.#say('')
      this.#failures = 0
      return mine ? undefined : idleMs
    } catch (error) {
      // Everything else in this process says so, too, and nothing can be noted in Redis.
      if (hasCode(error, 'ERR_REDIS')) return idleMs
      this.#failures += 1
      await this.#say(withCode(error))
      return backoffMs(postgresPauses, this.#failures)
    }
  }

  /** Logs once what is wrong, and once that it works again; records that were given up are logged each time. */
  async #say(trouble: string): Promise<void> {
    const { store, log } = this.#options
    const changed = (this.#trouble ?? '') !== trouble
    if (!changed && trouble === '') return
    this.#trouble = trouble
    const { dropped, length, max } = await store.archive.state()
    if (changed) await store.archive.setTrouble(trouble)
    if (changed && trouble !== '')
      log.warn(`archive: ${trouble}; Redis keeps ${plural(length, 'record')} for it, at most ${max}`)
    if (changed && trouble === '') log.info('archive: PostgreSQL takes records again')
    if (dropped > this.#droppedSaid) {
      log.error(`archive: dropped the oldest ${plural(dropped - this.#droppedSaid, 'record')}: more than ${max} waited`)
    }
    this.#droppedSaid = dropped
  }
}
