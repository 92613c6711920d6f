/**
 * For an application's own tests: jobs without a worker, and time without waiting.
 * @module resque-runtime/testing
 */
import { systemClock, type Clock } from '../core/clock.ts'
import { hostname } from 'node:os'
import { duration, shown } from '../core/duration.ts'
import { encodeArgs, parseLossless } from '../core/codec.ts'
import { RuntimeError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import type { ErrorRecord } from '../messages.ts'
import { isFunctionJob, isJob, wireName, type ArgsOf, type JobDefinition, type ResultOf } from '../jobs/job.ts'
import type { CheckedJob } from '../jobs/typed.ts'
import { optionsOn } from '../jobs/options.ts'
import { Registry } from '../jobs/registry.ts'
import { execute } from '../worker/child/executor.ts'
import { silentLogger } from '../core/logger.ts'
import { defaultClient, defaultConfig } from '../jobs/default-client.ts'
import { InlineLauncher } from '../worker/launchers/inline.ts'
import { Supervisor } from '../worker/supervisor.ts'
import { Steps } from '../workflow/run/steps.ts'
import { selectQueues } from '../store/queues/queue-list.ts'
import type { Store } from '../store/store.ts'
import { liveWorkers } from '../store/workers/workers.ts'

/**
 * A clock that stands still until a test advances it.
 * @example
 * ```ts
 * const clock: FakeClock = fakeClock()
 * const slept = clock.sleep(60_000)
 * await clock.advance(60_000)
 * await slept
 * ```
 */
export interface FakeClock extends Clock {
  /** Moves time on; sleeps that are over then resolve, earliest first. @throws RuntimeError ERR_ARGUMENT */
  advance(ms: number): Promise<void>
  /** Sets the time without ending a sleep, as when the machine's clock is changed. */
  set(nowMs: number): void
}

interface Sleeper {
  atMs: number
  resolve: () => void
}

/**
 * A {@link FakeClock} that begins at `startMs` (2026-01-01 by default).
 * @throws nothing; its `advance` throws RuntimeError ERR_ARGUMENT for what is no length of time
 * @example
 * ```ts
 * const clock = fakeClock(Date.UTC(2027, 0, 1))
 * await clock.advance(1000)
 * console.log(clock.now() - Date.UTC(2027, 0, 1)) // 1000
 * ```
 */
export function fakeClock(startMs: number = Date.UTC(2026, 0, 1)): FakeClock {
  let nowMs = startMs
  let sleepers: Sleeper[] = []
  return {
    now: () => nowMs,
    set: (ms) => void (nowMs = ms),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const sleeper = { atMs: nowMs + ms, resolve }
        sleepers.push(sleeper)
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((other) => other !== sleeper)
          resolve()
        })
        return undefined
      }),
    async advance(ms) {
      duration(ms, 'advance')
      const endMs = nowMs + ms
      for (;;) {
        const next = sleepers.filter((sleeper) => sleeper.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
        if (!next) break
        sleepers = sleepers.filter((other) => other !== next)
        nowMs = Math.max(nowMs, next.atMs)
        next.resolve()
        // What wakes may sleep again within the span: let it get there first.
        await new Promise((resolve) => setImmediate(resolve))
      }
      nowMs = endMs
    },
  }
}

/**
 * Runs one job here and now, without Redis and without a process: arguments go through JSON as they would, hooks and
 * schemas apply.
 * @returns what `perform` returned
 * @throws RuntimeError ERR_ARGUMENT for what is no job, ERR_NOT_JSON; whatever made the job fail, as an Error with its name and message
 * @example
 * ```ts
 * const result = await inline(ReminderJob, 'u1', { urgent: true })
 * ```
 */
export async function inline<J extends JobDefinition>(
  definition: J & CheckedJob<J>,
  ...args: ArgsOf<J>
): Promise<ResultOf<J> | undefined> {
  if (!isJob(definition))
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `inline: expected a Job class or a function made by job(), got ${shown(definition)}`,
    )
  const registry = new Registry()
  const name = wireName(definition)
  registry.add({ name, kind: 'job', definition, file: isFunctionJob(definition) ? 'a function' : 'a class' })
  const outcome = await execute(
    {
      phase: 'perform',
      jobId: newId(),
      className: name,
      queue: optionsOn(definition).queue ?? 'inline',
      args: encodeArgs(name, args as unknown[], Infinity),
      attempt: 1,
      worker: 'inline',
      keepResult: true,
      limits: [],
    },
    { registry, hooks: {} },
    { send: () => undefined, onMessage: () => undefined },
  )
  if (outcome.kind === 'failed')
    throw Object.assign(new Error(outcome.error.message), { name: outcome.error.name, stack: stackOf(outcome.error) })
  return outcome.kind === 'done' && outcome.result !== undefined
    ? (parseLossless(outcome.result) as ResultOf<J>)
    : undefined
}

function stackOf({ name, message, backtrace }: ErrorRecord): string {
  return [`${name}: ${message}`, ...backtrace.map((frame) => `    ${frame}`)].join('\n')
}

/**
 * What a drain did.
 * @example
 * ```ts
 * const { processed, failed }: Drained = await drain([ReminderJob])
 * ```
 */
export interface Drained {
  /** How many attempts ran. */
  processed: number
  /** How many failed entries they left. */
  failed: number
}

/**
 * Runs everything that waits in the queues, steps of workflows included, and what those jobs enqueue, in this process; resolves when the queues are
 * empty. Delayed jobs stay where they are. Needs a Redis: the default client's.
 * @param jobs every job that may be met; of a workflow the classes of its steps
 * @throws RuntimeError ERR_ARGUMENT for what is no job, ERR_STATE when a worker of another process takes from these queues
 * @example
 * ```ts
 * await enqueue(ReminderJob, 'u1')
 * await drain([ReminderJob]) // { processed: 1, failed: 0 }
 * ```
 */
export async function drain(
  jobs: readonly JobDefinition[],
  { queues = ['*'] }: { queues?: string[] } = {},
): Promise<Drained> {
  for (const definition of Array.isArray(jobs) ? jobs : [jobs])
    if (!isJob(definition))
      throw new RuntimeError(
        'ERR_ARGUMENT',
        `drain: expected a list of Job classes and functions made by job(), of a workflow the classes of its steps; got ${shown(definition)}`,
      )
  const { store } = defaultClient()
  await refuseOtherWorkers(store, queues)
  const { worker, limits, root } = defaultConfig()
  const registry = new Registry()
  for (const definition of jobs) registry.add({ name: wireName(definition), kind: 'job', definition, file: 'drain()' })
  const failedBefore = await store.failures.count()
  const supervisor = new Supervisor({
    ...worker,
    store,
    limits,
    queues,
    clock: systemClock,
    log: silentLogger,
    concurrency: 1,
    drain: true,
    steps: new Steps(store.runs, systemClock, {
      maxOutputBytes: limits.maxResultBytes,
      maxPayloadsBytes: 64 * limits.maxPayloadBytes,
    }),
    launcher: new InlineLauncher({ root, paths: [] }, { registry, hooks: {} }),
  })
  await supervisor.start()
  await supervisor.left
  return { processed: supervisor.processed, failed: (await store.failures.count()) - failedBefore }
}

/** A worker of another process takes jobs before the drain does, and the drain takes jobs whose classes only that worker has. */
async function refuseOtherWorkers(store: Store, queues: readonly string[]): Promise<void> {
  const [sizes, workers, supervisors, { aheadMs }] = await Promise.all([
    store.queues.sizes(),
    store.workers.list(),
    store.supervisors.list(),
    store.health.clock(),
  ])
  const known = [...sizes.keys()]
  const wanted = new Set(selectQueues(queues, known))
  const isHere = ({ host, pid }: Record<string, string>): boolean => host === hostname() && pid === String(process.pid)
  const own = new Set(supervisors.filter(({ about }) => isHere(about)).flatMap(({ slots }) => slots))
  const other = liveWorkers(workers, supervisors, Date.now() + aheadMs).find(
    ({ id, queues: taken }) => !own.has(id) && selectQueues(taken, known).some((queue) => wanted.has(queue)),
  )
  if (!other) return
  throw new RuntimeError(
    'ERR_STATE',
    `drain: expected no other worker on these queues, worker ${other.host}:${other.pid} takes jobs from ${other.queues.join(',')}; give the tests a namespace of their own before they enqueue: configure({ namespace: \`test-\${process.pid}\` })`,
  )
}
