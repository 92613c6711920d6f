import { enqueue } from 'resque-runtime'
import { inArray } from 'drizzle-orm'
import { db } from './db.ts'
import { ChargeJob } from './jobs/charge-job.ts'
import { orders, outbox } from './schema.ts'

/**
 * Stores an order, and in the same transaction the decision to charge it. If the transaction is rolled back, no job is
 * enqueued. If this process dies after the commit, RelayJob enqueues it within ten seconds.
 */
export async function placeOrder(customer: string, cents: number): Promise<number> {
  const id = await db().transaction(async (tx) => {
    const [order] = await tx.insert(orders).values({ customer, cents }).returning({ id: orders.id })
    if (!order) throw new Error('the order was not stored')
    await tx.insert(outbox).values({ job: 'ChargeJob', args: [order.id] })
    return order.id
  })
  await relay()
  return id
}

/**
 * Enqueues what is in the outbox, then deletes it. If the process dies between the two, the next call enqueues under the
 * same ID, which writes nothing. `skip locked` lets several relays run at the same time.
 * @returns how many jobs
 */
export async function relay(): Promise<number> {
  return db().transaction(async (tx) => {
    const rows = await tx.select().from(outbox).limit(100).for('update', { skipLocked: true })
    for (const { id, job, args } of rows) {
      if (job !== 'ChargeJob') throw new Error(`outbox: unknown job ${job}`)
      await enqueue.with({ id })(ChargeJob, args[0] as number)
    }
    if (rows.length > 0)
      await tx.delete(outbox).where(
        inArray(
          outbox.id,
          rows.map(({ id }) => id),
        ),
      )
    return rows.length
  })
}
