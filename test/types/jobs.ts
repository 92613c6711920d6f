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
  job,
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
