import pg from 'pg'
import { maskUrl } from '../../config/redis-url.ts'
import { RuntimeError, toError } from '../core/errors.ts'

/** The lock of a migration, since two processes may migrate at once; the number is arbitrary. */
const migrationLock = 7_270_311

/** How long PostgreSQL may keep us waiting. Asked of the client alone: PgBouncer refuses such settings at the start. */
const connectTimeoutMs = 5000
const queryTimeoutMs = 60_000

/** Between attempts while PostgreSQL cannot be used. */
export const postgresPauses = { firstMs: 1000, mostMs: 30_000 }

/** A small pool of connections to the archive's database. Nothing is sent until it is used. */
export function openPool(url: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: 2,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: queryTimeoutMs,
    idleTimeoutMillis: 10_000,
    keepAlive: true,
    application_name: 'resque-runtime archive',
    allowExitOnIdle: true,
  })
  // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined)
  return pool
}

/** Which schema the database has; 0 for none. @throws RuntimeError ERR_ARCHIVE */
export async function readSchemaVersion(pool: pg.Pool): Promise<number> {
  try {
    const { rows } = await pool.query<{ version: number | null }>(
      'select max(version) as version from runtime_archive.migrations',
    )
    return rows[0]?.version ?? 0
  } catch (error) {
    if (['42P01', '3F000'].includes(sqlState(error))) return 0
    throw explainPostgres(error)
  }
}

/** Refuses a database whose schema is not this code's. @throws RuntimeError ERR_ARCHIVE */
export async function checkSchema(pool: pg.Pool): Promise<void> {
  const found = await readSchemaVersion(pool)
  if (found > schemaVersion) throw newerSchema(found)
  if (found < schemaVersion) {
    const what = found === 0 ? 'none' : `version ${found}`
    throw new RuntimeError(
      'ERR_ARCHIVE',
      `archive: expected schema version ${schemaVersion} in PostgreSQL, found ${what}; run \`runtime archive migrate\``,
    )
  }
}

/** Brings the schema up to this code's, in one transaction. @returns the versions before and after @throws RuntimeError ERR_ARCHIVE */
export async function migrate(pool: pg.Pool): Promise<{ from: number; to: number }> {
  const client = await pool.connect().catch((error: unknown) => Promise.reject(explainPostgres(error)))
  try {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock($1)', [migrationLock])
    await client.query(migrationsTable)
    const { rows } = await client.query<{ version: number | null }>(
      'select max(version) as version from runtime_archive.migrations',
    )
    const from = rows[0]?.version ?? 0
    if (from > schemaVersion) throw newerSchema(from)
    for (const { version, sql } of migrations.filter((step) => step.version > from)) {
      await client.query(sql)
      await client.query('insert into runtime_archive.migrations (version) values ($1)', [version])
    }
    await client.query('commit')
    return { from, to: schemaVersion }
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw explainPostgres(error)
  } finally {
    client.release()
  }
}

function newerSchema(found: number): RuntimeError {
  return new RuntimeError(
    'ERR_ARCHIVE',
    `archive: expected schema version ${schemaVersion} or older in PostgreSQL, found ${found}; a newer resque-runtime made it: update this one`,
  )
}

/** PostgreSQL's five-letter code of an error, or ''. */
export function sqlState(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : ''
}

const advice: [RegExp, string][] = [
  [/^(28|3D)/, 'check the user, password and database in archive.url'],
  [/^42501$/, 'the user of archive.url may not do this; grant it, or let an owner run `runtime archive migrate`'],
  [/^(42P01|3F000|42703)$/, 'run `runtime archive migrate`'],
  [/^57014$/, 'it took too long: narrow the search by --class and --since'],
  [/^(53|57P)/, 'the server is full or going down; it is retried'],
  [/^(ECONN|ENOENT|ETIMEDOUT|EHOST|ENOTFOUND|EAI_AGAIN)|^$/, 'is PostgreSQL running, and is archive.url right?'],
]

/** A PostgreSQL error in plain words, with what to do and without the password. Errors of our own pass through. */
export function explainPostgres(thrown: unknown): RuntimeError {
  if (thrown instanceof RuntimeError) return thrown
  const error = toError(thrown)
  // Node's happy eyeballs: several addresses were tried, and the outer error says nothing.
  const inner = (error as { errors?: Error[] }).errors?.[0]
  const text = maskUrl(error.message || inner?.message || 'cannot be reached')
  const said = advice.find(([pattern]) => pattern.test(sqlState(inner ?? error)))?.[1]
  return new RuntimeError('ERR_ARCHIVE', `PostgreSQL: ${text}${said === undefined ? '' : `; ${said}`}`, {
    cause: thrown,
  })
}

/** One step of the archive's schema in PostgreSQL. A step that was published never changes: a new one follows it. */
export interface Migration {
  version: number
  sql: string
}

/** The schema that this code reads and writes, step by step. `runtime archive migrate --sql` prints it. */
export const migrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
create table runtime_archive.records (
  namespace text not null,
  id text not null,
  kind text not null,
  class text not null,
  queue text,
  outcome text not null,
  cause text,
  run_id text,
  label text,
  args text,
  args_search jsonb,
  enqueued_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz not null,
  wait_ms bigint,
  run_ms bigint,
  cpu_ms bigint,
  peak_rss_bytes bigint,
  attempts integer not null,
  details json not null,
  primary key (namespace, id)
);
create index records_by_time on runtime_archive.records (namespace, ended_at desc, id);
create index records_by_class on runtime_archive.records (namespace, class, ended_at desc, id);
create index records_by_outcome on runtime_archive.records (namespace, outcome, ended_at desc, id);
create index records_by_run on runtime_archive.records (namespace, run_id) where run_id is not null;
create index records_by_args on runtime_archive.records using gin (args_search jsonb_path_ops);
comment on table runtime_archive.records is 'ended jobs, steps and runs; args: exact text, args_search: the same to search by';
`,
  },
  {
    version: 2,
    sql: `
create table runtime_archive.run_request (
  request_id uuid not null unique default gen_random_uuid(),
  namespace text not null default 'resque',
  pipeline text not null,
  job text,
  jobinstance integer not null default 1,
  params jsonb not null default '{}',
  status text not null default 'Pending' check (status in ('Pending', 'Accepted', 'Rejected')),
  reason text,
  run_id text,
  requested_at timestamptz not null default now(),
  decided_at timestamptz
);
create index run_request_pending on runtime_archive.run_request (namespace, requested_at) where status = 'Pending';
comment on table runtime_archive.run_request is 'requests to run a pipeline: insert a row, and the scheduler decides it';
`,
  },
]

/** The schema's version that this code needs. */
export const schemaVersion = Math.max(...migrations.map(({ version }) => version))

/** Where versions are kept; made before any step. */
export const migrationsTable = `
create schema if not exists runtime_archive;
create table if not exists runtime_archive.migrations (version integer primary key, applied_at timestamptz not null default now());
`
