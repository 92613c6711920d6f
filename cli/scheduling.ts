import { openPipelines } from '../runtime/inspect/pipelines.ts'
import { printError } from './output.ts'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { didYouMean } from '../config/did-you-mean.ts'
import { systemClock } from '../runtime/core/clock.ts'
import { RuntimeError } from '../runtime/core/errors.ts'
import { newId } from '../runtime/core/ids.ts'
import type { JobDefinition } from '../runtime/jobs/job.ts'
import { optionsOn } from '../runtime/jobs/options.ts'
import type { Registry } from '../runtime/jobs/registry.ts'
import {
  type CheckContext,
  formatProblem,
  type KnownClass,
  type ScheduleEntry,
  type ScheduleProblem,
} from '../scheduler/entries/entry.ts'
import { digestJitter } from '../scheduler/firing/fire-times.ts'
import { Firer } from '../scheduler/firing/firer.ts'
import { readEntry, readSchedule, requireSound, type Schedule } from '../scheduler/entries/schedule-file.ts'
import { Scheduler } from '../scheduler/scheduler.ts'
import type { Starter, Starters } from '../scheduler/firing/starters.ts'
import { type Context, loadAppHere } from './context.ts'
import { parseLossless } from '../runtime/core/codec.ts'
import { openRun, runTarget } from '../runtime/inspect/runs.ts'
import { workflowNamed, templateNamed } from './arguments.ts'

/** What commands about schedules share: the application's classes, where there is an application. */
export interface Scheduling {
  check: Omit<CheckContext, 'file' | 'source'>
  starters: Starters
}

/**
 * Loads the application, if there is one: entries are checked against its classes, and its workflows can be started.
 * @throws RuntimeError ERR_APP_LOAD
 */
export async function openScheduling(context: Context): Promise<Scheduling> {
  const { config, source } = context
  const hasApp = source.paths.some((path) => existsSync(resolve(source.root, path)))
  const registry = hasApp ? (await loadAppHere(source)).registry : undefined
  const env = process.env.RAILS_ENV ?? process.env.RACK_ENV ?? process.env.NODE_ENV
  const classes = registry && classesOf(registry)
  return {
    check: { env, classes, catchupWindowMs: config.scheduler.catchupWindowMs },
    starters: startersOf(context, registry),
  }
}

function classesOf(registry: Registry): Map<string, KnownClass> {
  return new Map(
    registry.list().map(({ name, kind, definition }): [string, KnownClass] => {
      if (kind !== 'job') return [name, { kind }]
      return [name, { kind, queue: optionsOn(definition as object).queue, job: definition as JobDefinition }]
    }),
  )
}

/** Reads the schedule file of the settings; without one there are no entries. @throws RuntimeError ERR_SCHEDULE when `strict` */
export async function loadSchedule({ config, log }: Context, { check }: Scheduling): Promise<Schedule> {
  const { file, strict } = config.scheduler
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw new RuntimeError('ERR_SCHEDULE', `${file}: cannot be read: ${error.message}`)
    log.info(`${file} is not there: only schedules set from code are run`)
    return ''
  })
  const schedule = readSchedule(text, { ...check, file, source: 'file' })
  if (strict) requireSound(schedule)
  return schedule
}

/** All entries, dynamic ones over those of the file, as a scheduler would run them. */
export async function allEntries(context: Context, scheduling: Scheduling): Promise<Schedule> {
  const { entries, problems } = await loadSchedule(context, scheduling)
  if (!context.config.scheduler.dynamic) return { entries, problems }
  for (const [name, json] of Object.entries(await context.store.schedules.dynamic())) {
    const checked = readEntry(name, json, { ...scheduling.check, file: 'persistent_schedules', source: 'dynamic' })
    problems.push(...checked.problems)
    if (checked.entry) entries.set(name, checked.entry)
    else entries.delete(name)
  }
  return { entries, problems }
}

/** One entry by its name. @throws RuntimeError ERR_NOT_FOUND */
export function entryNamed({ entries, problems }: Schedule, name: string): ScheduleEntry {
  const entry = entries.get(name)
  if (entry) return entry
  const wrong = problems.find((problem) => problem.entry === name && problem.severity === 'error')
  if (wrong) throw new RuntimeError('ERR_SCHEDULE', formatProblem(wrong))
  throw new RuntimeError(
    'ERR_NOT_FOUND',
    `schedule ${name}: expected an entry of that name, found none${didYouMean(name, entries.keys())}`,
  )
}

/** Writes problems to standard error, one a line. @returns how many are errors */
export function printProblems(problems: readonly ScheduleProblem[]): number {
  for (const problem of problems) printError(formatProblem(problem))
  return problems.filter(({ severity }) => severity === 'error').length
}

/** A scheduler of these settings, for `runtime scheduler` and `runtime dev`. */
export async function makeScheduler(context: Context): Promise<Scheduler> {
  const { store, log, config } = context
  const scheduling = await openScheduling(context)
  const { pollMs, lockTtlMs, lockPrefix, dynamic, batchSize } = config.scheduler
  return new Scheduler({
    ...{ store, log, dynamic, lockPrefix, lockTtlMs, batch: batchSize },
    renewMs: Math.min(pollMs, lockTtlMs / 3),
    load: () => loadSchedule(context, scheduling),
    context: scheduling.check,
    starters: scheduling.starters,
    ttlMs: config.limits.waitingTtlMs,
    failedMax: config.limits.failedMax,
  })
}

/**
 * Fires an entry now, whoever leads.
 * @returns id of the job or run
 * @throws RuntimeError ERR_STATE when it cannot be fired: no queue, a unique job that is there, a hook that said no …
 */
export async function fireNow(context: Context, scheduling: Scheduling, entry: ScheduleEntry): Promise<string> {
  const { store, log, config } = context
  const firer = new Firer(
    entry,
    {
      ...{
        schedules: store.schedules,
        log,
        clock: systemClock,
        jitter: digestJitter,
        newId,
        starters: scheduling.starters,
      },
      owner: { id: 'runtime schedule run', lockPrefix: '' },
      classOf: (className) => scheduling.check.classes?.get(className),
      ttlMs: config.limits.waitingTtlMs,
      onLost: () => undefined,
    },
    () => undefined,
  )
  await firer.fire(Date.now(), 0, 'manual')
  return (await store.schedules.find(entry.name))?.job ?? ''
}

/** What a scheduler can start beside jobs. Without an application there are no classes to start. */
function startersOf(context: Context, registry: Registry | undefined): Starters {
  return {
    pipeline: pipelineStarter(context),
    ...(registry ? { workflow: workflowStarter(context, registry), template: templateStarter(context, registry) } : {}),
  }
}

/** A created run that is started by whoever takes over; see {@link Starter}. */
function runStarter(context: Context, create: (target: string, args: unknown[]) => Promise<string>): Starter {
  return {
    create: (target, args) => create(target, parseLossless(args) as unknown[]),
    start: async (id) => {
      const run = await openRun(context, id)
      if (run.status === 'pending') await run.start()
    },
    isRunning: async (id) => {
      const run = await openRun(context, id).catch(() => undefined)
      return run?.status === 'running' || run?.status === 'pending'
    },
  }
}

function workflowStarter(context: Context, registry: Registry): Starter {
  return runStarter(context, async (target, args) => {
    const type = workflowNamed(registry, target)
    return (await type.createOn(runTarget(context), type, args)).id
  })
}

/** The entry's arguments are one object at most: the template's parameters. */
function templateStarter(context: Context, registry: Registry): Starter {
  return runStarter(context, async (target, args) => {
    const { template } = templateNamed(registry, target)
    return (await template.createOn(runTarget(context), args[0] as object | undefined)).id
  })
}

/**
 * A run request, decided about where it is started. The entry's arguments are one object at most: parameters of the run,
 * with `instance` and `first_step` among them where they are not 1 and the first.
 */
function pipelineStarter(context: Context): Starter {
  const pipelines = openPipelines(context)
  return {
    create: (target, args, { entry }) => {
      const [given = {}] = parseLossless(args) as [Record<string, unknown>?]
      const { instance = 1, first_step: first, ...params } = given
      return pipelines.request(target, {
        params,
        instance: instance as number,
        ...(first === undefined ? {} : { first: typeof first === 'string' ? first : JSON.stringify(first) }),
        by: `schedule ${entry}`,
      })
    },
    start: async (id) => {
      const { status, reason } = await pipelines.decide(id)
      if (status === 'Rejected') throw new RuntimeError('ERR_STATE', `rejected: ${reason ?? ''}`)
    },
    isRunning: async (id) => {
      const request = await context.store.pipelines.findRequest(id)
      if (request?.status === 'Pending') return true
      const run = request?.run === undefined ? undefined : await context.store.runs.read.find(request.run)
      return run?.status === 'running' || run?.status === 'pending'
    },
  }
}
