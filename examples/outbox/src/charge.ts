import { and, eq, isNull, sql } from 'drizzle-orm'
import { db } from './db.ts'
import { orders } from './schema.ts'

/** Marks an order as charged, once. @returns false when it was charged before */
export async function charge(id: number): Promise<boolean> {
  const changed = await db()
    .update(orders)
    .set({ chargedAt: sql`now()` })
    .where(and(eq(orders.id, id), isNull(orders.chargedAt)))
    .returning({ id: orders.id })
  return changed.length > 0
}
