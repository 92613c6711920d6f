import { RuntimeError } from '../core/errors.ts'

const dayMs = 86_400_000

/** One change of a zone's offset from UTC. Offsets are milliseconds east of Greenwich. */
export interface Transition {
  atMs: number
  beforeMs: number
  afterMs: number
}

/**
 * A time zone of the engine's own database. Wall time is written as the milliseconds that a UTC clock showing the same
 * digits would give, so that date arithmetic on it needs no zone.
 */
export class Zone {
  readonly name: string
  readonly #format: Intl.DateTimeFormat
  /** Set for a zone such as `+05:30`, which no engine before Node 22 knows. */
  readonly #fixedMs: number | undefined
  readonly #years = new Map<number, Transition[]>()
  readonly #offsets = new Map<number, number>()

  constructor(name: string) {
    const [, sign, hours, minutes] = /^([+-])([01]\d|2[0-4]):?(00|15|30|45)$/.exec(name) ?? []
    this.#fixedMs =
      sign === undefined ? undefined : Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) * 60_000
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: this.#fixedMs === undefined ? name : 'UTC',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      era: 'short',
    })
    this.name = name
  }

  /** The wall time at an instant. */
  wallAt(ms: number): number {
    return ms + this.offsetAt(ms)
  }

  /** The offset in force at an instant. */
  offsetAt(ms: number): number {
    let offset: number | undefined
    for (const change of this.#around(ms)) {
      if (change.atMs > ms) return offset ?? change.beforeMs
      offset = change.afterMs
    }
    return offset ?? this.#measure(ms)
  }

  /** The first change of offset after an instant and within a year of it. */
  changeAfter(ms: number): Transition | undefined {
    return this.#around(ms).find((change) => change.atMs > ms)
  }

  /**
   * The instant of a wall time. One that exists twice (clocks went back) is its first occurrence; one that does not
   * exist (clocks went forward) is the end of the gap.
   */
  instantOf(wallMs: number): number {
    const change = this.#around(wallMs).find((each) => Math.abs(each.atMs - wallMs) <= 1.5 * dayMs)
    if (!change) return wallMs - this.offsetAt(wallMs)
    const before = wallMs - change.beforeMs
    if (before < change.atMs) return before
    return Math.max(wallMs - change.afterMs, change.atMs)
  }

  /** `2027-03-28 03:00:00 CEST`, as people of the zone would write it. */
  format(ms: number): string {
    const wall = new Date(this.wallAt(ms)).toISOString().slice(0, 19).replace('T', ' ')
    if (this.#fixedMs !== undefined) return `${wall} ${this.name}`
    const zone = new Intl.DateTimeFormat('en-GB', { timeZone: this.name, timeZoneName: 'short' })
    const short = zone.formatToParts(ms).find((part) => part.type === 'timeZoneName')?.value
    return `${wall} ${short ?? this.name}`
  }

  /** Changes in the year of an instant and the years beside it, in order. */
  #around(ms: number): Transition[] {
    const year = new Date(ms).getUTCFullYear()
    let found = this.#years.get(year)
    if (!found) {
      found = this.#changesBetween(Date.UTC(year - 1, 0), Date.UTC(year + 2, 0))
      this.#years.set(year, found)
    }
    return found
  }

  #changesBetween(startMs: number, endMs: number): Transition[] {
    const found: Transition[] = []
    for (let ms = startMs; ms < endMs; ms += dayMs) {
      const beforeMs = this.#measure(ms)
      const afterMs = this.#measure(ms + dayMs)
      if (beforeMs === afterMs) continue
      let [low, high] = [ms, ms + dayMs]
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2)
        if (this.#measure(middle) === beforeMs) low = middle
        else high = middle
      }
      found.push({ atMs: high, beforeMs, afterMs })
    }
    return found
  }

  /** Asks Intl, which takes some microseconds; midnights are remembered since neighbouring years ask for them again. */
  #measure(ms: number): number {
    const known = this.#offsets.get(ms)
    if (known !== undefined) return known
    if (this.#fixedMs !== undefined) return this.#fixedMs
    const part = Object.fromEntries(this.#format.formatToParts(ms).map(({ type, value }) => [type, value]))
    const wall = Date.UTC(
      Number(part.year),
      Number(part.month) - 1,
      Number(part.day),
      Number(part.hour),
      Number(part.minute),
      Number(part.second),
    )
    const offset = wall - Math.floor(ms / 1000) * 1000
    if (ms % dayMs === 0) this.#offsets.set(ms, offset)
    return offset
  }
}

const zones = new Map<string, Zone>()

/**
 * The zone of a name such as `Europe/Berlin` or `UTC`; each is made once.
 * @throws RuntimeError ERR_SCHEDULE when the engine knows no such zone
 */
export function zoneOf(name: string): Zone {
  let zone = zones.get(name)
  if (!zone) {
    try {
      zone = new Zone(name)
    } catch {
      throw new RuntimeError(
        'ERR_SCHEDULE',
        `zone: expected a name of the time zone database such as Europe/Berlin, got ${JSON.stringify(name)}`,
      )
    }
    zones.set(name, zone)
  }
  return zone
}

/** True when the engine knows a zone of this name. */
export function isZone(name: string): boolean {
  try {
    zoneOf(name)
    return true
  } catch {
    return false
  }
}

/** The machine's own zone; all names of UTC are `UTC`. */
export function localZone(): string {
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'
  return /^(Etc\/)?(UTC|UCT|GMT|Greenwich|Universal|Zulu)$/.test(zone) ? 'UTC' : zone
}
