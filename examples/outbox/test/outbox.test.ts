import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { eq } from 'drizzle-orm'
import { close, enqueue } from 'resque-runtime'
import { closeDb, db } from '../src/db.ts'
import { ChargeJob } from '../src/jobs/charge-job.ts'
import { placeOrder, relay } from '../src/orders.ts'
import { ddl, orders, outbox } from '../src/schema.ts'

// Needs a Redis in REDIS_URL and a PostgreSQL in DATABASE_URL.
before(() => db().$client.query(ddl))
after(async () => {
  await closeDb()
  close()
})

async function work(): Promise<void> {
  const args = ['runtime', 'work', '--queues', 'default', '--drain']
  const worker = spawn('npx', args, { stdio: ['ignore', 'inherit', 'inherit'] })
  assert.deepEqual(await once(worker, 'close'), [0, null])
}

test('an order is charged once, by a job with a connection of its own', async () => {
  const id = await placeOrder('ann', 1999)
  await work()
  const [order] = await db().select().from(orders).where(eq(orders.id, id))
  assert.ok(order?.chargedAt)
  assert.deepEqual(await db().select().from(outbox), [])
})

test('an order whose process died after the commit is relayed, once', async () => {
  const [order] = await db().insert(orders).values({ customer: 'ben', cents: 5 }).returning()
  const [row] = await db()
    .insert(outbox)
    .values({ job: 'ChargeJob', args: [order?.id] })
    .returning()
  // It died between enqueue and delete.
  await enqueue.with({ id: row?.id ?? '' })(ChargeJob, order?.id ?? 0)
  assert.equal(await relay(), 1)
  const { duplicate } = await enqueue.with({ id: row?.id ?? '' })(ChargeJob, order?.id ?? 0)
  assert.equal(duplicate, true)
  await work()
})

test('a transaction that is rolled back enqueues nothing', async () => {
  const refused = db().transaction(async (tx) => {
    await tx.insert(outbox).values({ job: 'ChargeJob', args: [1] })
    throw new Error('no stock')
  })
  await assert.rejects(refused, /no stock/)
  assert.equal(await relay(), 0)
})
