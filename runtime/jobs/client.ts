import type { Clock } from '../core/clock.ts'
import { encodeItem } from '../core/codec.ts'
import { duration, moment, type Duration } from '../core/duration.ts'
import { RuntimeError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import type { NewJob } from '../store/queues/new-job.ts'
import type { Store } from '../store/store.ts'
import { JobHandle } from './handle.ts'
import { hooksOf, instanceOf, runHooks } from './hooks.ts'
import { isJob, wireName, type ArgsOf, type JobDefinition, type ResultOf } from './job.ts'
import { callOptions, checkOptions, optionsOn, type JobOptions } from './options.ts'
import { uniqueOf } from './limits.ts'
import { traceJobs } from './telemetry.ts'
import { inputProblems } from './typed.ts'

/** What a client needs to know of the configuration. */
export interface ClientSettings {
  maxPayloadBytes: number
  /** How long the record of a finished job, and of one that no worker reserves, is kept. */
  recordTtlMs: number
  waitingTtlMs: number
}

/** A job checked and encoded, on its way to Redis. */
interface Prepared extends NewJob {
  queue: string
}

/**
 * Options of one call.
 * @example
 * ```ts
 * const options: EnqueueOptions = { id: 'order-17', queue: 'high', retry: 3 }
 * await enqueue.with(options)(ReminderJob, 'u1')
 * ```
 */
export interface EnqueueOptions extends JobOptions {
  /**
   * The job's id, in place of one that is made: 1 to 100 letters, digits, `.`, `_` and `-`. As long as the record of the job
   * is kept, a further call with the same id writes nothing and answers with the handle of the job that is there.
   */
  id?: string
}

/** Enqueues jobs, now or later. One a process is enough; `defaultClient` has it. */
export class Client {
  readonly store: Store
  readonly #settings: ClientSettings
  readonly #clock: Clock

  constructor(store: Store, settings: ClientSettings, clock: Clock) {
    this.store = store
    this.#settings = settings
    this.#clock = clock
  }

  /**
   * Puts a job on its queue. Arguments are JSON, typed from `perform`.
   * @returns a handle; its `accepted` is false when a beforeEnqueue hook said no, its `duplicate` true when
   * a unique job of the same key, or a job of the given id, was there already
   * @throws RuntimeError ERR_NOT_JSON, ERR_TOO_LARGE, ERR_SCHEMA, ERR_ARGUMENT (nothing is written), ERR_REDIS
   */
  async enqueue<J extends JobDefinition>(
    definition: J,
    args: ArgsOf<J>,
    options: EnqueueOptions = {},
  ): Promise<JobHandle<ResultOf<J>>> {
    const job = await this.#prepare(definition, args, options)
    const [instance, list] = [instanceOf(definition), args as unknown[]]
    if (!(await runHooks(hooksOf(definition, 'beforeEnqueue', instance), ...list))) return this.#refused(job)
    const [holder] = await this.#push(job.queue, [job])
    if (holder === undefined) await runHooks(hooksOf(definition, 'afterEnqueue', instance), ...list)
    if (holder === job.id) await this.#sameClass(job)
    return this.#handle(holder ?? job.id, { duplicate: holder !== undefined })
  }

  /**
   * Puts a job on its queue at a moment, from 2001 to 100 years from now; one that is not in the future goes there at
   * once, as in Resque.
   * @throws RuntimeError ERR_ARGUMENT for any other moment, and what `enqueue` throws
   */
  async enqueueAt<J extends JobDefinition>(
    at: Date | number,
    definition: J,
    args: ArgsOf<J>,
    options: EnqueueOptions = {},
  ): Promise<JobHandle<ResultOf<J>>> {
    // Read once: what the checks and hooks take does not make the delay shorter.
    const nowMs = this.#clock.now()
    const dueAtMs = moment(at, `enqueueAt ${wireName(definition)}`, nowMs)
    if (dueAtMs <= nowMs) return this.enqueue(definition, args, options)
    const job = await this.#prepare(definition, args, options)
    const [instance, list] = [instanceOf(definition), args as unknown[]]
    if (!(await runHooks(hooksOf(definition, 'beforeSchedule', instance), ...list))) return this.#refused(job)
    const { waitingTtlMs } = this.#settings
    const [holder] = await traceJobs([{ ...job, dueMs: dueAtMs }], job.queue, (jobs) =>
      this.store.delayed.add(jobs, nowMs, waitingTtlMs),
    )
    if (holder === undefined) await runHooks(hooksOf(definition, 'afterSchedule', instance), ...list)
    if (holder === job.id) await this.#sameClass(job)
    return this.#handle(holder ?? job.id, { duplicate: holder !== undefined })
  }

  /**
   * Puts a job on its queue after a delay: `'5 days'`, or milliseconds.
   * @throws RuntimeError ERR_ARGUMENT for a delay that is none, or a moment; and what `enqueue` throws
   */
  async enqueueIn<J extends JobDefinition>(
    delay: Duration,
    definition: J,
    args: ArgsOf<J>,
    options: EnqueueOptions = {},
  ): Promise<JobHandle<ResultOf<J>>> {
    return this.enqueueAt(
      this.#clock.now() + duration(delay, `enqueueIn ${wireName(definition)}`),
      definition,
      args,
      options,
    )
  }

  /**
   * Puts many jobs of one class on its queue, a thousand a round trip. All of them are checked before any is written.
   * Hooks run for each; afterEnqueue for those that were put there. @returns a handle each, in order
   */
  async enqueueBulk<J extends JobDefinition>(
    definition: J,
    list: readonly ArgsOf<J>[],
    options: JobOptions = {},
  ): Promise<JobHandle<ResultOf<J>>[]> {
    const jobs: Prepared[] = []
    for (const args of list) jobs.push(await this.#prepare(definition, args, checkOptions(options, 'enqueueBulk')))
    const instance = instanceOf(definition)
    const [before, after] = [
      hooksOf(definition, 'beforeEnqueue', instance),
      hooksOf(definition, 'afterEnqueue', instance),
    ]
    const accepted: boolean[] = []
    for (const args of list) accepted.push(await runHooks(before, ...(args as unknown[])))
    const pushed = jobs.filter((_, i) => accepted[i])
    const holders = await this.#push(jobs[0]?.queue ?? '', pushed)
    const handles = new Map(
      pushed.map((job, i) => [
        job.id,
        this.#handle<ResultOf<J>>(holders[i] ?? job.id, { duplicate: holders[i] !== undefined }),
      ]),
    )
    const all = jobs.map((job) => handles.get(job.id) ?? this.#refused<ResultOf<J>>(job))
    if (after.length > 0)
      for (const [i, args] of list.entries())
        if (all[i]?.accepted && !all[i].duplicate) await runHooks(after, ...(args as unknown[]))
    return all
  }

  /**
   * Removes waiting jobs: with arguments those with exactly these, without any all of the class (Resque's `dequeue`).
   * @returns how many
   */
  async dequeue<J extends JobDefinition>(
    definition: J,
    args?: ArgsOf<J>,
    options: { queue?: string } = {},
  ): Promise<number> {
    const queue = options.queue ?? this.#queueOf(definition, {})
    const [instance, list] = [instanceOf(definition), (args ?? []) as unknown[]]
    if (!(await runHooks(hooksOf(definition, 'beforeDequeue', instance), ...list))) return 0
    const now = this.#clock.now()
    const name = wireName(definition)
    const removed =
      args === undefined
        ? await this.store.queues.removeClass(queue, name, now, this.#settings.recordTtlMs)
        : await this.store.queues.removeItem(queue, encodeItem(name, list, Infinity), now, this.#settings.recordTtlMs)
    await runHooks(hooksOf(definition, 'afterDequeue', instance), ...list)
    return removed
  }

  /** The handle of a job by its id. */
  job<R = unknown>(id: string): JobHandle<R> {
    return this.#handle<R>(id, {})
  }

  async #prepare(definition: JobDefinition, args: readonly unknown[], call: EnqueueOptions): Promise<Prepared> {
    if (!isJob(definition)) {
      throw new RuntimeError(
        'ERR_ARGUMENT',
        `enqueue: expected a Job class or a function made by job(), got ${typeof definition === 'function' ? (definition as { name: string }).name : typeof definition}`,
      )
    }
    const name = wireName(definition)
    const { id, ...given } = call
    if (id !== undefined) checkId(id, name)
    const own = optionsOn(definition)
    const options = { ...own, ...checkOptions(given, name) }
    const item = encodeItem(name, args, this.#settings.maxPayloadBytes)
    const problems = await inputProblems(definition, args[0])
    if (problems) throw new RuntimeError('ERR_SCHEMA', `${name}: input does not fit its schema: ${problems}`)
    const unique = uniqueOf(name, options, args)
    const kept = callOptions(name, given, args, own)
    const queue = this.#queueOf(definition, given)
    return {
      id: id ?? newId(this.#clock.now()),
      className: name,
      item,
      queue,
      ...(unique ? { unique } : {}),
      ...(kept ? { options: kept } : {}),
    }
  }

  /** An id that stands for a job of another class is a mistake of the caller, whose job would be dropped unseen. */
  async #sameClass({ id, className }: Prepared): Promise<void> {
    const found = (await this.store.jobs.find(id))?.class
    if (found === undefined || found === className) return
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `id of ${className}: expected the id of no other job, got ${JSON.stringify(id)}, a job of ${found}; put the class into the id`,
    )
  }

  #queueOf(definition: JobDefinition, given: JobOptions): string {
    const queue = given.queue ?? optionsOn(definition).queue
    if (queue !== undefined) return queue
    const name = wireName(definition)
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `${name}: expected a queue, found none; add \`static queue = 'default'\`, or enqueue.with({ queue })`,
    )
  }

  #push(queue: string, jobs: readonly Prepared[]): Promise<(string | undefined)[]> {
    const { waitingTtlMs } = this.#settings
    return traceJobs(jobs, queue, (sent) => this.store.queues.push(queue, sent, this.#clock.now(), waitingTtlMs))
  }

  #refused<R>(job: Prepared): JobHandle<R> {
    return this.#handle<R>(job.id, { accepted: false })
  }

  #handle<R>(id: string, about: { duplicate?: boolean; accepted?: boolean }): JobHandle<R> {
    return new JobHandle<R>(this.store, id, { recordTtlMs: this.#settings.recordTtlMs, ...about })
  }
}

/** Refuses an id of a caller's own that is none. @throws RuntimeError ERR_ARGUMENT */
export function checkId(id: unknown, of: string): void {
  if (typeof id === 'string' && /^[\w.-]{1,100}$/.test(id)) return
  throw new RuntimeError(
    'ERR_ARGUMENT',
    `id of ${of}: expected text of 1 to 100 letters, digits, \`.\`, \`_\` and \`-\`, got ${JSON.stringify(id)}`,
  )
}
