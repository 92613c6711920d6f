import { withCode } from '../../runtime/core/errors.ts'
import type { Logger } from '../../runtime/core/logger.ts'
import type { Schedules } from '../../runtime/store/schedules/schedules.ts'
import {
  type CheckContext,
  describeEntry,
  formatProblem,
  type ScheduleEntry,
  type ScheduleProblem,
  unreadByRuby,
} from './entry.ts'
import { EntryRunner } from '../firing/entry-runner.ts'
import { readEntry, type Schedule } from './schedule-file.ts'
import type { RunnerOptions } from '../firing/firer.ts'

/** What a {@link ScheduleEntries} needs. */
export interface ScheduleEntriesOptions extends RunnerOptions {
  schedules: Schedules
  log: Logger
  /** What dynamic entries are checked against. */
  context: Omit<CheckContext, 'file' | 'source'>
  /** False: dynamic entries are ignored. */
  dynamic: boolean
}

/** Entries begun at once, so that a long list neither floods Redis nor blocks the process. */
const startBatch = 200

/** How long the others wait for a step under way of an entry that is replaced, removed or switched. */
const patienceMs = 1000
/** How long a stop waits for such steps; what they leave undone is done by the scheduler that leads next. */
const closingMs = 3000

/** All entries while this process leads: those of schedule.yml, and over them the dynamic ones in Redis. */
export class ScheduleEntries {
  readonly #options: ScheduleEntriesOptions
  readonly #runners = new Map<string, EntryRunner>()
  #file: Schedule = { entries: new Map(), problems: [] }
  /** Names whose entries are to be read again; they stay while Redis cannot be reached. */
  readonly #changed = new Set<string>()
  #open = false
  #tail: Promise<void> = Promise.resolve()

  constructor(options: ScheduleEntriesOptions) {
    this.#options = options
  }

  /** Names and next fire times of what is loaded. */
  get entries(): { entry: ScheduleEntry; nextMs: number | undefined }[] {
    return [...this.#runners.values()].map(({ entry, nextMs }) => ({ entry, nextMs }))
  }

  /** True while `refresh` has something to do, whatever Ruby's set holds. */
  get isBehind(): boolean {
    return this.#changed.size > 0
  }

  /** Takes a schedule just read; what is wrong in it is logged. Entries that did not change keep their timers. */
  use(file: Schedule): Promise<void> {
    this.#file = file
    this.#report(file.problems)
    return this.#open ? this.#then(() => this.#load()) : Promise.resolve()
  }

  /** Begins to fire: this process leads. */
  open(): Promise<void> {
    this.#open = true
    return this.#then(async () => {
      // What is loaded now is fresh, whatever is noted as changed.
      this.#changed.clear()
      if (this.#options.dynamic) await this.#options.schedules.takeChanged()
      await this.#persist()
      await this.#load()
    })
  }

  /** Fires no more; timers are gone when this returns, and its promise is for what is under way. */
  async close(): Promise<void> {
    this.#open = false
    const stopping = [...this.#runners.values()].map((runner) => runner.stop())
    this.#runners.clear()
    await this.#atMost(closingMs, Promise.all([...stopping, this.#tail]))
  }

  /** Some dynamic entries have changed, by Ruby's set, or could not be read before. */
  async refresh(): Promise<void> {
    return this.#then(async () => {
      if (this.#options.dynamic) for (const name of await this.#options.schedules.takeChanged()) this.#changed.add(name)
      await this.#renewChanged()
    })
  }

  /** One entry was changed, paused, or resumed. */
  async reload(name: string): Promise<void> {
    this.#changed.add(name)
    await this.#then(() => this.#renewChanged())
  }

  /** The clock was set: all timers are set again. */
  async reschedule(): Promise<void> {
    await Promise.all([...this.#runners.values()].map((runner) => runner.start('the clock was set forward')))
  }

  /** For the entries that wait for the run before, or could not reach Redis. */
  retryPending(): void {
    for (const runner of this.#runners.values()) if (runner.hasPending) void runner.retryPending()
  }

  #then(step: () => Promise<void>): Promise<void> {
    const run = this.#tail.then(() => (this.#open ? step() : undefined))
    this.#tail = run.catch((error: unknown) => this.#options.log.warn(`schedule: ${withCode(error)}`))
    return run
  }

  /** Entries that say `persist` are stored as Resque would store them. */
  async #persist(): Promise<void> {
    const wanted = [...this.#file.entries.values()].filter(({ persist }) => persist)
    if (wanted.length === 0 || !this.#options.dynamic) return
    const stored = await this.#dynamic()
    for (const entry of wanted) {
      const shared = unreadByRuby(entry) === undefined
      if (stored[entry.name] !== entry.config)
        await this.#options.schedules.setDynamic(entry.name, entry.config, shared)
    }
  }

  async #dynamic(): Promise<Record<string, string>> {
    return this.#options.dynamic ? this.#options.schedules.dynamic() : {}
  }

  async #load(): Promise<void> {
    const entries = new Map(this.#file.entries)
    const dynamic = await this.#dynamic()
    for (const [name, json] of Object.entries(dynamic)) {
      const entry = this.#read(name, json)
      if (entry) entries.set(name, entry)
      else entries.delete(name)
    }
    await this.#replace(entries)
    // Another leads now, and describes what it has loaded.
    if (!this.#open) return
    const described = [...this.#runners.values()].map((runner): [string, string] => [runner.entry.name, about(runner)])
    await this.#options.schedules.describe(new Map(described), (name) => this.#isBroken(name, dynamic[name]))
  }

  async #renewChanged(): Promise<void> {
    for (const name of this.#changed) {
      if (!this.#open) return
      // From here on the name means what is there after this.
      this.#changed.delete(name)
      await this.#renew(name).catch((error: unknown) => {
        this.#changed.add(name)
        throw error
      })
    }
  }

  /** Reads one entry again: the others, thousands maybe, are not touched. */
  async #renew(name: string): Promise<void> {
    const { schedules, dynamic } = this.#options
    const json = dynamic ? await schedules.findDynamic(name) : undefined
    const entry = json === undefined ? this.#file.entries.get(name) : this.#read(name, json)
    const before = this.#runners.get(name)
    await this.#drop(name, entry)
    if (entry) await this.#begin([entry])
    const runner = this.#runners.get(name)
    if (runner && runner === before) await this.#atMost(patienceMs, runner.start('it was switched off'))
    if (this.#open) await schedules.describeOne(name, runner && about(runner), this.#isBroken(name, json))
  }

  /** Whether an entry that is not there may only not be readable: then it was not removed. */
  #isBroken(name: string, json: string | undefined): boolean {
    const { problems } = this.#file
    const concerns = (entry: string | undefined): boolean => entry === undefined || entry === name
    return json !== undefined || problems.some(({ severity, entry }) => severity === 'error' && concerns(entry))
  }

  #read(name: string, json: string): ScheduleEntry | undefined {
    const context = { ...this.#options.context, file: 'persistent_schedules', source: 'dynamic' as const }
    const { entry, problems } = readEntry(name, json, context)
    this.#report(problems)
    return entry
  }

  async #replace(entries: ReadonlyMap<string, ScheduleEntry>): Promise<void> {
    for (const name of [...this.#runners.keys()]) await this.#drop(name, entries.get(name))
    await this.#begin([...entries.values()])
  }

  /** Ends the runner of a name, unless it runs just this entry. */
  async #drop(name: string, entry: ScheduleEntry | undefined): Promise<void> {
    const runner = this.#runners.get(name)
    if (!runner || (entry?.config === runner.entry.config && entry.source === runner.entry.source)) return
    this.#runners.delete(name)
    await this.#atMost(patienceMs, runner.stop())
  }

  /** Waits for what one entry has under way, but not for ever: its hooks are the application's code. */
  async #atMost(ms: number, work: Promise<unknown>): Promise<void> {
    const patience = new AbortController()
    await Promise.race([work, this.#options.clock.sleep(ms, patience.signal)])
    patience.abort()
  }

  /** Begins the entries that no runner has. */
  async #begin(entries: readonly ScheduleEntry[]): Promise<void> {
    const fresh = entries.filter(({ name }) => !this.#runners.has(name))
    for (let at = 0; at < fresh.length && this.#open; at += startBatch) {
      const runners = fresh.slice(at, at + startBatch).map((entry) => new EntryRunner(entry, this.#options))
      for (const runner of runners) this.#runners.set(runner.entry.name, runner)
      await Promise.all(runners.map((runner) => runner.begin()))
    }
    if (fresh.length > 0)
      this.#options.log.info(`${this.#runners.size} schedule entries loaded`, { fresh: fresh.length })
  }

  #report(problems: readonly ScheduleProblem[]): void {
    for (const problem of problems) {
      if (problem.severity === 'error') this.#options.log.error(formatProblem(problem))
      else this.#options.log.warn(formatProblem(problem))
    }
  }
}

const about = ({ entry, nextMs }: EntryRunner): string => JSON.stringify(describeEntry(entry, nextMs))
