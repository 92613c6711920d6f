// Every setting, once. A name that ends in Ms is in milliseconds and also takes text such as '30s'; one that ends in Bytes
// takes '1mb'. config/runtime.yml is the same tree with every default written out.
import {
  durationMs,
  durationsByName,
  flag,
  keptMs,
  list,
  oneOf,
  sizeBytes,
  text,
  weightsByName,
  whole,
  wholeOrAuto,
} from './fields.ts'
import { ISOLATIONS } from './isolations.ts'
import { processorsHere } from './machine.ts'
import { parseRedisUrl, REDIS_URL_FORMS } from './redis-url.ts'
import { type Frozen, group, optionalGroup, type ValuesOf } from './shape.ts'

const WORKER_NAME = /^[\w.-]{1,64}$/

const postgresForm = /^postgres(?:ql)?:\/\/./

/** Paths of PEM files, relative to the application's root; resolved when loaded. */
const tls = {
  ca: text('config/ca.pem').optional(),
  cert: text('config/client.pem').optional(),
  key: text('config/client-key.pem').optional(),
  servername: text('redis.internal').optional(),
  rejectUnauthorized: flag().default(true),
}

const sentinel = {
  name: text('mymaster'),
  nodes: list('10.0.0.1:26379'),
  username: text('sentinel').optional(),
  password: text('secret').optional(),
  tls: flag().default(false),
}

const redis = {
  /** Absent: `dev` and `demo` start a Redis of their own, everything else goes to DEFAULT_REDIS_URL. */
  url: text('redis://127.0.0.1:6379/0', REDIS_URL_FORMS, (url) => parseRedisUrl(url) !== undefined).optional(),
  username: text('worker').optional(),
  password: text('secret').optional(),
  db: whole(0, 10_000).optional(),
  tls: optionalGroup(tls),
  sentinel: optionalGroup(sentinel),
  /** Some nodes of a Redis Cluster; they name the others. */
  cluster: list('10.0.0.1:6379, 10.0.0.2:6379').optional(),
  connectTimeoutMs: durationMs('10s', { min: 1 }).default(10_000),
  /** How long a producer waits for an answer before it gets an error. */
  commandTimeoutMs: durationMs('5s', { min: 1 }).default(5000),
}

const worker = {
  /** What people call this worker; several may share a name. */
  name: text('etl-1', 'at most 64 letters, digits, dots, dashes and underscores, such as etl-1', (name) =>
    WORKER_NAME.test(name),
  ).optional(),
  queues: list('high, low').default(['*']),
  /** Draws the queue to look into first in proportion, in place of strict priority; a queue without one has 1. */
  weights: weightsByName().optional(),
  /** `auto`: one for each processor that the container, or the machine, gives. */
  concurrency: wholeOrAuto(1, 1000, processorsHere).default(1),
  /** `auto`: fork where it works, else spawn. */
  isolation: oneOf('auto', ...ISOLATIONS).default('auto'),
  /** How many jobs a job process takes, one after another; 1 is a fresh process for each job. */
  jobsPerChild: whole(1, 1_000_000, 100).default(1),
  heartbeatMs: durationMs('5s', { min: 50 }).default(5000),
  /** A worker that has not beaten for this long is dead, and its jobs go back. */
  leaseMs: durationMs('30s', { min: 150 }).default(30_000),
  maxRedeliveries: whole(0, 1000).default(3),
  /** From TERM to KILL, for a timeout, a cancel or a shutdown: Resque's RESQUE_TERM_TIMEOUT. */
  termTimeoutMs: durationMs('4s').default(4000),
  /** How long running jobs may go on after TERM before they are stopped: Resque's RESQUE_PRE_SHUTDOWN_TIMEOUT. */
  preShutdownTimeoutMs: durationMs('0s').default(0),
  /** QUIT waits this long for running jobs, then does what TERM does; 0 waits for ever, as Resque does. */
  shutdownTimeoutMs: durationMs('30s').default(0),
  /** TERM means what QUIT means: Resque's GRACEFUL_TERM. */
  gracefulTerm: flag().default(false),
  /** How often an idle worker looks for jobs that came without a wake-up call, such as Ruby's. */
  pollMs: durationMs('1s', { min: 10 }).default(1000),
  /** Leave when the queues are empty. */
  drain: flag().default(false),
  /** Job processes do not see the variables that hold addresses and passwords. */
  hideSecrets: flag().default(false),
  /** For debugging: each job has a process by `spawn` that waits for a debugger; no timeout of jobs applies. */
  inspectJobs: flag().default(false),
  /** How long the application may take to load in a job's process. */
  bootTimeoutMs: durationMs('60s', { min: 100 }).default(60_000),
  /** What jobs print: `inherit` shows it on the worker's output, `capture` keeps the last lines in the job's record. */
  jobOutput: oneOf('both', 'inherit', 'capture').default('both'),
  /** Folder of the heap snapshots of jobs with `memoryReport`; the newest five are kept. */
  heapSnapshots: text('tmp/heap-snapshots').default('tmp/heap-snapshots'),
}

const scheduler = {
  file: text('schedule.yml').default('schedule.yml'),
  /** Between two looks at what others have changed, where no message came: an idle scheduler sends fewer than one command a second. */
  pollMs: durationMs('1200ms', { min: 10 }).default(1200),
  /** Of the leader's lock (resque-scheduler's LOCK_TIMEOUT): after a crash another leads no later than this. */
  lockTtlMs: durationMs('5s', { min: 3000 }).default(5000),
  /** resque-scheduler's RESQUE_SCHEDULER_MASTER_LOCK_PREFIX. */
  lockPrefix: text('my-app').optional(),
  /** Also obey schedules set from code (`persistent_schedules`). */
  dynamic: flag().default(true),
  /** Refuse the whole schedule file when one entry is wrong. */
  strict: flag().default(false),
  batchSize: whole(1, 1000, 100).default(100),
  catchupWindowMs: durationMs('1d').default(86_400_000),
}

const jobs = {
  /** Folders whose modules hold the jobs. */
  paths: list('src/jobs').default(['src/jobs']),
  /** Loaded before the jobs, in the process that jobs start from; absent: config/preload.ts when there is one. */
  preload: text('config/preload.ts').optional(),
  /** Worker hooks; absent: config/hooks.ts when there is one. */
  hooks: text('config/hooks.ts').optional(),
  /** `timeout` of the classes that have none, in ms; absent: such a job may run for ever. */
  timeout: durationMs('1h', { min: 1 }).optional(),
}

const limits = {
  maxPayloadBytes: sizeBytes('1mb', { min: 64 }).default(1024 ** 2),
  /** Of what a job or a workflow step returns, where it is kept. */
  maxResultBytes: sizeBytes('1mb', { min: 64, max: 64 * 1024 ** 2 }).default(1024 ** 2),
  failedMax: whole(1, 10_000_000).default(10_000),
  backtraceLines: whole(1, 10_000, 100).default(100),
  logLines: whole(0, 100_000, 200).default(200),
  logLineBytes: sizeBytes('4kb', { min: 64 }).default(4096),
  attemptsKept: whole(1, 1000, 25).default(25),
  /** How long the record of a job that waits in a queue is kept; without it the job still runs, with its class's options. */
  waitingTtlMs: durationMs('30d', { min: 1000 }).default(30 * 86_400_000),
  /** How long the record of a finished job can be asked for. */
  recordTtlMs: durationMs('1d', { min: 1000 }).default(86_400_000),
}

const workflows = {
  /** How long a finished run can be looked at; 0 for ever. */
  ttlMs: keptMs('30d', { min: 1000 }).default(30 * 86_400_000),
}

/** Present: what steps return is merged into their run's memory. */
const memory = {
  prefix: text('memory').default('memory'),
  ttlMs: durationMs('1d', { min: 1000 }).default(86_400_000),
  onConflict: oneOf('last', 'error', 'namespace').default('last'),
}

const archive = {
  /** Absent: finished jobs are kept in Redis, up to maxRecords. */
  url: text('postgres://user@host/db', 'postgres://[user:password@]host[:port]/database', (url) =>
    postgresForm.test(url),
  ).optional(),
  maxRecords: whole(0, 10_000_000, 10_000).default(10_000),
  /** How many records wait in Redis while PostgreSQL is away; then the oldest are dropped, and counted. */
  maxPending: whole(1, 10_000_000, 100_000).default(100_000),
  batchSize: whole(1, 10_000, 500).default(500),
}

const web = {
  host: text('127.0.0.1').default('127.0.0.1'),
  /** resque-web's; 0 takes a free one. */
  port: whole(0, 65_535, 5678).default(5678),
  /** Shown on each page. */
  environment: text('production').optional(),
  /** Who may sign in. Without users and userHeader the dashboard serves this machine only. */
  users: list('ada:operator:scrypt$…').optional(),
  /** The proxy in front has checked who it is, and says the name in this header of each request. */
  userHeader: text('x-forwarded-user').optional(),
  /** Addresses of proxies that may say so. */
  proxies: list('10.0.0.5').default(['127.0.0.1', '::1', '::ffff:127.0.0.1']),
  /** Of those named by the proxy: who may change things. The others may look. */
  operators: list('ada').optional(),
  secret: text('40 random characters', 'at least 32 characters', (secret) => secret.length >= 32).optional(),
  sessionMs: durationMs('8h', { min: 60_000 }).default(8 * 3_600_000),
  /** How old the oldest job of a queue may be before the overview reports it; `*` for queues that are not named. */
  queueTargetsMs: durationsByName().default({ '*': 5 * 60_000 }),
}

const log = {
  level: oneOf('debug', 'info', 'warn', 'error', 'silent').default('info'),
  /** `auto`: text on a terminal, JSON in a pipe. */
  format: oneOf('auto', 'text', 'logfmt', 'json').default('auto'),
  /** Of `work`, `scheduler` and `dev`; absent: standard error. */
  file: text('log/worker.log').optional(),
}

const metrics = {
  /** Of `work` and `scheduler`; absent: no server. 0: any free port. */
  port: whole(0, 65_535).optional(),
  /** Other machines reach it only where this says so. */
  host: text('127.0.0.1').default('127.0.0.1'),
  /** Asked for by /metrics as a bearer token. */
  token: text('secret').optional(),
}

/** With one part in braces at most: the hash tag, by which a cluster keeps all keys in one slot. */
const NAMESPACE = /^(?!$)[^\s{}]*(\{[^\s{}]+\})?[^\s{}]*$/

/** The shapes by section, for those who walk the settings (environment names, suggestions). */
export const SECTIONS = { redis, worker, scheduler, jobs, limits, workflows, memory, archive, web, log, metrics }
/** Sections inside a section. */
export const SUBSECTIONS: Record<string, Record<string, unknown>> = { 'redis.tls': tls, 'redis.sentinel': sentinel }

/** The whole tree as a file may give it; what comes out has every default filled in. */
export const configShape = {
  namespace: text('resque', 'text without spaces like resque, with at most one part in braces like {resque}', (name) =>
    NAMESPACE.test(name),
  ).default('resque'),
  /** Words in keys whose values logs and the dashboard hide, beside password, token, secret and authorization. */
  redact: list('iban, ssn').default([]),
  redis: group(redis),
  worker: group(worker),
  scheduler: group(scheduler),
  jobs: group(jobs),
  limits: group(limits),
  workflows: group(workflows),
  memory: optionalGroup(memory),
  archive: group(archive),
  web: group(web),
  log: group(log),
  metrics: group(metrics),
}

/** All settings, checked. */
export type Settings = ValuesOf<typeof configShape>

/** Where the settings belong. */
export interface Place {
  /** The application's folder, absolute: what relative paths were resolved against. */
  root: string
  /** The file that was read, absolute; undefined when there is none. */
  file: string | undefined
  /** What names the Redis, for messages: `--redis`, `REDIS_URL`, `config/runtime.yml:3`, `runtime dev`; undefined by default. */
  redisSource?: string
}

/** All settings, checked, complete and frozen; paths absolute, durations in ms, sizes in bytes. */
export type Config = Frozen<Settings & Place>
