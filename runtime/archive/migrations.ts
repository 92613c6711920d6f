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
