// What must compile, and what must not: tsc checks this file with all others (`npm run check`); nothing runs it.
import * as v from 'valibot'
import { z } from 'zod'
import {
  enqueue,
  enqueueAt,
  enqueueBulk,
  enqueueIn,
  dequeue,
  days,
  Job,
  delayOrEnqueueIn,
  job,
  setSchedule,
  withDelay,
  task,
  Workflow,
  type WorkflowRun,
  type ArgsOf,
  type Infer,
  type JobHandle,
  type ResultOf,
} from 'resque-runtime'
import { drain, inline } from 'resque-runtime/testing'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** Compiles only for types that are exactly the same. */
const same = <A, B>(_proof: Same<A, B>): void => undefined

export class ReminderJob extends Job {
  static override queue = 'high'
  static override retry = { limit: 5, backoff: 'exponential', delay: '10s' }
  static override timeout = '30 minutes'
  async perform(userId: string, opts?: { urgent: boolean }): Promise<{ sent: boolean }> {
    return { sent: opts?.urgent ?? userId.length > 0 }
  }
}
export class TypedJob extends Job {
  static input = z.object({ doc_id: z.string(), pages: z.number().optional() })
  perform(input: Infer<typeof TypedJob.input>): number {
    return input.pages ?? 0
  }
}
export class ValibotJob extends Job {
  static input = v.object({ id: v.string() })
  perform(input: Infer<typeof ValibotJob.input>): string {
    return input.id
  }
}
export const sendWelcome = job({ queue: 'low' }, async function sendWelcome(email: string, _copies = 1) {
  this.log(email)
  return email.length
})

export async function rightArguments(): Promise<void> {
  same<ArgsOf<typeof ReminderJob>, [userId: string, opts?: { urgent: boolean }]>(true)
  same<ResultOf<typeof ReminderJob>, { sent: boolean }>(true)
  same<ResultOf<typeof sendWelcome>, number>(true)
  same<Infer<typeof TypedJob.input>, { doc_id: string; pages?: number | undefined }>(true)

  const handle = await enqueue(ReminderJob, 'u1')
  same<typeof handle, JobHandle<{ sent: boolean }>>(true)
  same<Awaited<ReturnType<typeof handle.result>>, { sent: boolean } | undefined>(true)
  await handle.result({ timeout: '5s' })
  await enqueue(ReminderJob, 'u1', { urgent: true })
  await enqueue.with({ queue: 'low', retry: 3, unique: { until: 'start', by: (id: string) => id } })(ReminderJob, 'u1')
  await enqueueIn('5 days', ReminderJob, 'u1')
  await enqueueIn(days(5), ReminderJob, 'u1')
  await enqueueAt(new Date(), ReminderJob, 'u1')
  await enqueueBulk(ReminderJob, [['u1'], ['u2', { urgent: false }]])
  await dequeue(ReminderJob)
  await dequeue(ReminderJob, 'u1')
  await enqueue(sendWelcome, 'a@example.org')
  await enqueue(TypedJob, { doc_id: 'x' })
  await enqueue(ValibotJob, { id: 'x' })
  await drain([ReminderJob, sendWelcome])
  ;(await inline(ReminderJob, 'u1'))?.sent.valueOf()
}

export async function wrongArguments(): Promise<void> {
  // @ts-expect-error a number is no user
  await enqueue(ReminderJob, 5)
  // @ts-expect-error an argument is missing
  await enqueue(ReminderJob)
  // @ts-expect-error one too many
  await enqueue(ReminderJob, 'u1', { urgent: true }, 'more')
  // @ts-expect-error urgent is true or false
  await enqueue(ReminderJob, 'u1', { urgent: 'very' })
  // @ts-expect-error the same with options
  await enqueue.with({ queue: 'low' })(ReminderJob, 5)
  // @ts-expect-error an option that is none
  await enqueue.with({ colour: 'red' })(ReminderJob, 'u1')
  // @ts-expect-error a delay is milliseconds or text
  await enqueueIn(new Date(), ReminderJob, 'u1')
  // @ts-expect-error a wrong argument of a delayed job
  await enqueueIn('5 days', ReminderJob, 5)
  // @ts-expect-error text is no moment
  await enqueueAt('tomorrow', ReminderJob, 'u1')
  // @ts-expect-error each call is a list of arguments
  await enqueueBulk(ReminderJob, ['u1'])
  // @ts-expect-error one of many is wrong
  await enqueueBulk(ReminderJob, [['u1'], [2]])
  // @ts-expect-error a function job has types, too
  await enqueue(sendWelcome, 5)
  // @ts-expect-error a typed job takes what its schema lets through
  await enqueue(TypedJob, { doc_id: 5 })
  // @ts-expect-error whichever library the schema is of
  await enqueue(ValibotJob, { ident: 'x' })
  // @ts-expect-error a class that does not perform is no job
  await enqueue(Date)
  // @ts-expect-error a name is no job
  await enqueue('ReminderJob', 'u1')
}

// @ts-expect-error perform is missing
export class IdleJob extends Job {}

// @ts-expect-error a queue is a name
export class NumberedQueueJob extends Job {
  static override queue = 5
  perform(): void {}
}

// @ts-expect-error a limit is a number
export class WordyLimitJob extends Job {
  static override retry = { limit: 'five' }
  perform(): void {}
}

/** As the README writes them, without `as const`. */
export class PlainOptionsJob extends Job {
  static override queue = 'high'
  static override retry = { limit: 5, backoff: 'exponential', delay: '10s' }
  static override isolation = 'spawn'
  static override delivery = 'at-most-once'
  static override unique = { for: '1h', by: (id: string) => id }
  static override concurrency = { limit: 2, by: (id: string) => id }
  static override rateLimit = { limit: 5, per: '1m' }
  static override memoryLimit = '512mb'
  static override keepResult = '1h'
  perform(_id: string): void {}
}

/** Durations: literals are checked, text that is only known when it runs is taken. */
export async function durations(text: string, n: number, either: number | string): Promise<void> {
  for (const delay of ['5s', '1h30m'] as const) await enqueueIn(delay, ReminderJob, 'u1')
  await enqueueIn(text, ReminderJob, 'u1')
  await enqueueIn(either, ReminderJob, 'u1')
  await enqueueIn(`${n} days`, ReminderJob, 'u1')
  await enqueueIn('1.5 hours', ReminderJob, 'u1')
  await enqueueIn('1 Week, 2 days', ReminderJob, 'u1')
  await enqueueIn('1 hour and 30 mins', ReminderJob, 'u1')
  await enqueueIn('PT5M', ReminderJob, 'u1')
  await enqueueIn(' .5h ', ReminderJob, 'u1')
  // @ts-expect-error no such unit
  await enqueueIn('5 fortnights', ReminderJob, 'u1')
  // @ts-expect-error no unit
  await enqueueIn('60', ReminderJob, 'u1')
  // @ts-expect-error a minute or a month
  await enqueueIn('1M', ReminderJob, 'u1')
  // @ts-expect-error less than nothing
  await enqueueIn('-5 days', ReminderJob, 'u1')
  // @ts-expect-error nothing
  await enqueueIn.with({ queue: 'low' })('', ReminderJob, 'u1')
  // @ts-expect-error one of two
  await enqueueIn(n > 1 ? '5s' : '5 fortnights', ReminderJob, 'u1')
  // @ts-expect-error no such unit
  await delayOrEnqueueIn('5 fortnights', ReminderJob, 'u1')
  // @ts-expect-error no such unit
  await (await enqueue(ReminderJob, 'u1')).result({ timeout: '5 fortnights' })
  // @ts-expect-error no such unit
  withDelay(task(PlainOptionsJob), '5 fortnights')
}

class OpenJob extends Job {
  perform(_params: Record<string, unknown>): void {}
}
class NeedyJob extends Job {
  perform(_params: { path: string; tenant: string; deep?: boolean }): { rows: number } {
    return { rows: 1 }
  }
}
export class StrictFlow extends Workflow {
  configure(): void {
    this.run(NeedyJob, { params: { path: 'x', tenant: 'y' } })
    this.run(PlainOptionsJob)
    this.run(TypedJob)
    this.run(OpenJob)
    // @ts-expect-error path and tenant are missing
    this.run(NeedyJob)
    // @ts-expect-error tenant is missing
    this.run(NeedyJob, { params: { path: 'x' } })
    // @ts-expect-error a path is text
    this.run(NeedyJob, { params: { path: 1, tenant: 'y' } })
  }
}
export class TenantFlow extends Workflow<{ tenant: string }> {
  static override queue = 'low'
  static ttl = '1 day'
  configure(): void {
    this.run(NeedyJob, { params: { path: 'x' } })
    // @ts-expect-error path is missing
    this.run(NeedyJob)
  }
}

class LiarJob extends Job {
  static output = z.object({ text: z.string() })
  perform(): { txt: number } {
    return { txt: 1 }
  }
}
class WrongInputJob extends Job {
  static input = z.object({ id: z.string() })
  perform(_input: { id: number }): void {}
}
class SilentJob extends Job {
  static output = z.object({ text: z.string() })
  perform(): void {
    this.output({ text: 'set here' })
  }
}
/** What `perform` takes and returns is what the schemas say. */
export async function soundJobs(): Promise<void> {
  await enqueue(SilentJob)
  task(SilentJob)
  // @ts-expect-error text is missing
  await enqueue(LiarJob)
  // @ts-expect-error text is missing
  task(LiarJob)
  // @ts-expect-error text is missing
  await inline(LiarJob)
  // @ts-expect-error an id is text
  await enqueueIn('5s', WrongInputJob, { id: 'x' })
}

export async function schedules(flow: WorkflowRun): Promise<void> {
  await setSchedule('x', { cron: '0 7 * * *', class: ReminderJob, args: ['u1'] })
  await setSchedule('x', { every: '1h', workflow: TenantFlow })
  await setSchedule('x', { every: ['1h', { first_in: '1m' }], class: 'ReminderJob', rails_env: 'production' })
  // @ts-expect-error misspelt
  await setSchedule('x', { crn: '0 7 * * *', class: ReminderJob })
  // @ts-expect-error no job
  await setSchedule('x', { every: '1h', class: Date })
  ;(await flow.output(NeedyJob))?.rows.toFixed()
  // @ts-expect-error no such unit
  await flow.wait({ timeout: '5 fortnights' })
  // @ts-expect-error no such unit
  await flow.expire('5 fortnights')
}
