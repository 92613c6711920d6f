import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import pg from 'pg'

let pool: pg.Pool | undefined

/**
 * The pool of this process, made when it is first used: never while the application is loaded, so a forked job has its
 * own. A job works on one thing at a time, so one connection is enough for it; a web server needs more.
 */
export function db(): NodePgDatabase & { $client: pg.Pool } {
  pool ??= new pg.Pool({ connectionString: process.env.DATABASE_URL, max: Number(process.env.DATABASE_POOL ?? 1) })
  return drizzle({ client: pool })
}

export async function closeDb(): Promise<void> {
  await pool?.end()
  pool = undefined
}
