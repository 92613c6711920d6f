import { integer, jsonb, pgTable, serial, text, timestamp, uuid } from 'drizzle-orm/pg-core'

export const orders = pgTable('orders', {
  id: serial().primaryKey(),
  customer: text().notNull(),
  cents: integer().notNull(),
  chargedAt: timestamp('charged_at'),
})

/** Jobs that were decided on in a transaction and are not enqueued yet. */
export const outbox = pgTable('outbox', {
  id: uuid().primaryKey().defaultRandom(),
  job: text().notNull(),
  args: jsonb().$type<unknown[]>().notNull(),
})

/** In an application, a migration. */
export const ddl = `
  create table if not exists orders (
    id serial primary key, customer text not null, cents integer not null, charged_at timestamp);
  create table if not exists outbox (
    id uuid primary key default gen_random_uuid(), job text not null, args jsonb not null);`
