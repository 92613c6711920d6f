import { setImmediate } from 'node:timers/promises'
import { formatDuration } from '../../runtime/core/duration.ts'
import { withCode } from '../../runtime/core/errors.ts'
import { startTimer, type Timer } from '../../runtime/core/clock.ts'
import type { MissedFiring } from '../../runtime/store/schedules/schedules.ts'
import { planCatchup, scheduleFireTimes, type FireTimer } from './fire-times.ts'
import type { ScheduleEntry } from '../entries/entry.ts'
import { Firer, type RunnerOptions } from './firer.ts'
import type { Origin, Timing } from '../../runtime/cron/timing.ts'
import { fireTimesBetween, lastFireTimesBetween, nextFireTime, timingMark } from '../../runtime/cron/timing.ts'
import { plural } from '../../runtime/core/plural.ts'

/** A firing that is no later than this is late, not missed: long enough for another scheduler to take over. */
export const graceMs = 30_000
/** A cursor this far in the future is from a clock that was wrong; nearer ones are obeyed, so that a clock that was put back an hour fires nothing twice. */
export const clockStepMs = 3 * 3_600_000
/** Missed fire times looked at for one entry, and made up at most. */
const missedMax = 1000

/** A step of an entry that takes longer is logged. */
const slowMs = 30_000
const slowText =
  'a firing has not ended after 30 seconds, and later ones of this entry wait for it; does a beforeEnqueue or afterEnqueue hook, or configure() of its workflow, hang?'

let lastLoop: Promise<unknown> = Promise.resolve()
/**
 * Resolves in an iteration of the event loop of its own. To find a thousand fire times takes 10 to 50 ms: many entries that
 * were missed for long must not keep timers, such as that of the lock, waiting.
 */
function nextLoop(): Promise<unknown> {
  lastLoop = lastLoop.then(() => setImmediate())
  return lastLoop
}

/** Runs one entry while this process leads: makes up what was missed, then fires on time. */
export class EntryRunner {
  readonly entry: ScheduleEntry
  readonly #options: RunnerOptions
  readonly #firer: Firer
  #timer: FireTimer | null = null
  #origin: Origin = { sinceMs: 0, fired: 0 }
  /** When the timer was last set. */
  #setMs = -Infinity
  /** Steps of one entry come one after the other. */
  #tail: Promise<void> = Promise.resolve()
  #stopped = false
  #slow: Timer | undefined
  #troubled = false

  constructor(entry: ScheduleEntry, options: RunnerOptions) {
    this.entry = entry
    this.#options = options
    this.#firer = new Firer(entry, options, (fireTimeMs) => this.#next(fireTimeMs))
  }

  /** When it fires next; undefined when it does not. */
  get nextMs(): number | undefined {
    return this.#timer?.nextMs
  }

  /** True while a firing waits for the run before it, a step has failed, or the timer was lost: then {@link retryPending} is to be called. */
  get hasPending(): boolean {
    return this.#troubled || this.#firer.waiting > 0 || this.#timer?.isLost === true
  }

  /**
   * Starts for the first time. Resolves when the timer is set, and before that where there is something to make up: neither
   * a long catch-up nor a hook that hangs delays the other entries.
   */
  begin(): Promise<void> {
    return new Promise((resolve) => void this.start(undefined, resolve).then(resolve))
  }

  /**
   * Reads what Redis remembers, makes up what was missed, and sets the timer. Also after a clock change or a switch.
   * @param onBehind called when something is to be made up before the timer is set
   */
  start(reason = 'no scheduler was running', onBehind?: () => void): Promise<void> {
    return this.#then(async () => {
      this.#cancel()
      const { schedules, clock, log } = this.#options
      const now = clock.now()
      this.#setMs = now
      const { name, enabled, timing, timingText } = this.entry
      const state = await schedules.register(name, now, now + clockStepMs, enabled, timingMark(timing, timingText))
      this.#origin = { sinceMs: state.sinceMs, lastSlotMs: state.fireTimeMs, fired: state.fired }
      const isBehind = timing !== undefined && !state.off && state.cursorMs < now - graceMs
      if (isBehind || state.pendingMs !== undefined || state.askedMs !== undefined) onBehind?.()
      if (isBehind) await nextLoop()
      if (state.pendingMs !== undefined) await this.#firer.startRun(state.pendingMs, state.pendingRun)
      if (state.askedMs !== undefined) await this.#firer.fire(state.askedMs, 0, 'asked')
      await this.#firer.countWaiting()
      if (state.off || !this.entry.timing || this.#stopped) return
      const cursor = isBehind ? await this.#makeUp(this.entry.timing, state.cursorMs, now, reason) : state.cursorMs
      const delay = (fireTimeMs: number): number =>
        this.#options.jitter(this.entry.name, fireTimeMs, this.entry.jitterMs)
      const fire = (fireTimeMs: number, plannedMs: number): void =>
        void this.#then(() => this.#onTime(fireTimeMs, plannedMs))
      if (!this.#stopped)
        this.#timer = scheduleFireTimes(this.#timerName, cursor, (after) => this.#next(after), delay, fire)
      log.debug(`${this.entry.name}: next ${this.nextMs === undefined ? 'never' : new Date(this.nextMs).toISOString()}`)
    })
  }

  /** Tries again what failed, and fires what waits for the run before when that is done. */
  retryPending(): Promise<void> {
    if (this.#troubled) return this.start('Redis could not be reached')
    if (this.#timer?.isLost) return this.start('its timer was lost')
    return this.#then(() => this.#firer.fireWaiting())
  }

  /** No timer is left when this returns; the promise is for the step under way. */
  stop(): Promise<void> {
    this.#stopped = true
    this.#cancel()
    // A step that hangs must not keep the process.
    this.#slow?.stop()
    return this.#tail
  }

  get #timerName(): string {
    return `${this.#options.owner.id}:${this.entry.name}`
  }

  #next(afterMs: number): number | undefined {
    return this.entry.timing && nextFireTime(this.entry.timing, this.#origin, afterMs)
  }

  #cancel(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  #then(step: () => Promise<void>): Promise<void> {
    this.#tail = this.#tail.then(async () => {
      if (this.#stopped) return
      const { log } = this.#options
      this.#slow = startTimer(() => log.warn(`${this.entry.name}: ${slowText}`), slowMs)
      try {
        this.#troubled = false
        await step()
      } catch (error) {
        this.#troubled = true
        log.warn(`${this.entry.name}: ${withCode(error)}; trying again soon`)
      } finally {
        this.#slow.stop()
      }
    })
    return this.#tail
  }

  /** True when it has fired as often as its `times` allow. */
  get #isUsedUp(): boolean {
    return this.#origin.fired >= (this.entry.timing?.bounds.times ?? Infinity)
  }

  async #onTime(fireTimeMs: number, plannedMs: number): Promise<void> {
    // The timer was set for this one before the one before it had fired, and was counted.
    if (this.#isUsedUp) return
    const now = this.#options.clock.now()
    const lateMs = now - plannedMs
    // Firings that were in their grace when the timer was set stay so: the first of many must not make the last too late.
    if (now - Math.max(plannedMs, this.#setMs) > graceMs) {
      void this.start('the clock was set forward, or the process was suspended')
      return
    }
    await this.#fire(fireTimeMs, Math.max(lateMs, 0))
    if (this.#isUsedUp) this.#cancel()
  }

  async #fire(fireTimeMs: number, lateMs: number): Promise<void> {
    const reply = await this.#firer.fire(fireTimeMs, lateMs, 'timed')
    if (reply === 'fired') this.#origin = { ...this.#origin, lastSlotMs: fireTimeMs, fired: this.#origin.fired + 1 }
    if (reply === 'lost') this.#options.onLost()
    if (reply === 'off') void this.start()
  }

  /**
   * Deals with what lies between the cursor and the grace before now.
   * @returns the slot after which the timer goes on
   */
  async #makeUp(timing: Timing, cursorMs: number, now: number, reason: string): Promise<number> {
    const { catchup, catchupWindowMs, name } = this.entry
    const until = now - graceMs
    const { missed, more } = this.#missedBetween(timing, cursorMs, until, now)
    const laterDue = fireTimesBetween(timing, this.#origin, until, now, 1).slots.length > 0
    const plan = planCatchup({
      policy: catchup,
      missed,
      laterDue,
      windowMs: catchupWindowMs,
      nowMs: now,
      max: missedMax,
    })
    const [first] = missed
    if (first !== undefined) {
      const so = plan.fire.length > 0 ? `; fires ${plan.fire.length} of them now` : ''
      const span = formatDuration(now - first)
      this.#options.log.warn(
        `${name}: missed ${more ? 'at least ' : ''}${plural(missed.length, 'firing')} in the last ${span}: ${reason}${so}`,
      )
    }
    if (plan.drop.length > 0)
      await this.#skipFirings(plan.drop, plan.fire.length > 0 ? undefined : until, more, reason, now)
    for (const slot of plan.fire) if (!this.#stopped) await this.#fire(slot, now - slot)
    return until
  }

  /**
   * Fire times that were missed, oldest first: the first thousand, and those that the policy may want.
   * `more`: there are others between the two.
   */
  #missedBetween(timing: Timing, cursorMs: number, until: number, now: number): { missed: number[]; more: boolean } {
    const { catchup, catchupWindowMs } = this.entry
    const { slots, more } = fireTimesBetween(timing, this.#origin, cursorMs, until, missedMax)
    if (!more) return { missed: slots, more }
    const from = Math.max(cursorMs, now - catchupWindowMs)
    const most = { none: 0, last: 1, all: missedMax }[catchup]
    const wanted = lastFireTimesBetween(timing, this.#origin, from, until, most)
    const [first = Infinity] = wanted
    const missed = slots.filter((slot) => slot < first)
    const between = nextFireTime(timing, this.#origin, missed.at(-1) ?? cursorMs) ?? Infinity
    return { missed: [...missed, ...wanted], more: between < first && between <= until }
  }

  /** @param cursorMs how far all is accounted for then; the last of `slots` by default */
  async #skipFirings(
    slots: number[],
    cursorMs: number | undefined,
    more: boolean,
    reason: string,
    now: number,
  ): Promise<void> {
    const { name } = this.entry
    const toMs = Math.max(...slots)
    const missed: MissedFiring = {
      entry: name,
      fromMs: Math.min(...slots),
      toMs,
      count: slots.length,
      more,
      reason,
      atMs: now,
    }
    const accounted = { name, fireTimeMs: cursorMs ?? toMs, nextMs: this.#next(now), missed }
    if ((await this.#options.schedules.skipFirings(this.#options.owner, accounted)) === 'lost') this.#options.onLost()
  }
}
