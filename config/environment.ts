import { didYouMean } from './did-you-mean.ts'
import { SECTIONS, SUBSECTIONS } from './schema.ts'
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** One setting as it was found: where it belongs in the tree, and what to call its origin in a message. */
export interface Finding {
  path: readonly string[]
  value: unknown
  from: string
}

type Environment = Readonly<Record<string, string | undefined>>
type Reader = (value: string, name: string) => Finding[]

const to =
  (...path: string[]): Reader =>
  (value, name) => [{ path, value, from: name }]

/** Resque counts these in seconds, with fractions. */
const secondsTo =
  (...path: string[]): Reader =>
  (value, name) => [{ path, value: /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) * 1000 : value, from: name }]

const isTrue = (value: string): boolean => /^(1|t|true|on)$/i.test(value.trim())

/** Names that Resque and resque-scheduler already gave these settings, with Resque's meanings. Later ones win. */
const KNOWN: Record<string, Reader> = {
  REDIS_URL: to('redis', 'url'),
  RESQUE_NAMESPACE: to('namespace'),
  QUEUE: to('worker', 'queues'),
  QUEUES: to('worker', 'queues'),
  COUNT: to('worker', 'concurrency'),
  // 0 means: leave when the queues are empty.
  INTERVAL: (value, name) =>
    Number(value) === 0 && value.trim() !== ''
      ? [{ path: ['worker', 'drain'], value: true, from: name }]
      : secondsTo('worker', 'pollMs')(value, name),
  // Of the plugin resque-multi-job-forks.
  JOBS_PER_FORK: to('worker', 'jobsPerChild'),
  FORK_PER_JOB: (value, name) =>
    value === 'false' ? [{ path: ['worker', 'isolation'], value: 'inline', from: name }] : [],
  RESQUE_TERM_TIMEOUT: secondsTo('worker', 'termTimeoutMs'),
  RESQUE_PRE_SHUTDOWN_TIMEOUT: secondsTo('worker', 'preShutdownTimeoutMs'),
  // Resque asks only whether it is set.
  GRACEFUL_TERM: (_value, name) => [{ path: ['worker', 'gracefulTerm'], value: true, from: name }],
  RESQUE_SCHEDULER_INTERVAL: secondsTo('scheduler', 'pollMs'),
  LOCK_TIMEOUT: secondsTo('scheduler', 'lockTtlMs'),
  RESQUE_SCHEDULER_MASTER_LOCK_PREFIX: to('scheduler', 'lockPrefix'),
  DYNAMIC_SCHEDULE: (value, name) => [{ path: ['scheduler', 'dynamic'], value: isTrue(value), from: name }],
  DELAYED_REQUEUE_BATCH_SIZE: to('scheduler', 'batchSize'),
  VERBOSE: (_value, name) => [{ path: ['log', 'level'], value: 'debug', from: name }],
  VVERBOSE: (_value, name) => [{ path: ['log', 'level'], value: 'debug', from: name }],
  // Other programs have this name, too, with words of their own.
  LOG_FORMAT: (value, name) => {
    const format = { json: 'json', logfmt: 'logfmt', text: 'text', pretty: 'text' }[value.trim().toLowerCase()]
    return format === undefined ? [] : [{ path: ['log', 'format'], value: format, from: name }]
  },
  ...Object.fromEntries(ownNames()),
}

/** Every setting also has a name of our own: `worker.leaseMs` is `RUNTIME_WORKER_LEASE_MS`. */
function ownNames(): [string, Reader][] {
  const groups = Object.entries({ ...SECTIONS, ...SUBSECTIONS } as Record<string, Record<string, unknown>>)
  const paths = groups.flatMap(([group, shape]) => Object.keys(shape).map((key) => [...group.split('.'), key]))
  const leaves = paths.filter((path) => SUBSECTIONS[path.join('.')] === undefined)
  return [['namespace'], ['redact'], ...leaves].map((path) => [environmentName(path), to(...path)])
}

/** The variable that sets the setting at this path: `['worker', 'leaseMs']` → `RUNTIME_WORKER_LEASE_MS`. */
export function environmentName(path: readonly string[]): string {
  return `RUNTIME_${path.join('_').replace(/[A-Z]/g, '_$&').toUpperCase()}`
}

/** The variables that hold an address or a password: what `worker.hideSecrets` hides. */
export const SECRET_VARIABLES: readonly string[] = Object.keys(KNOWN).filter((name) =>
  /^REDIS_URL$|^RUNTIME_.*(?:_URL|_PASSWORD|_TOKEN)$/.test(name),
)

const SECTION_NAME = new RegExp(`^RUNTIME_(${Object.keys(SECTIONS).join('|').toUpperCase()})_`)

/**
 * The settings an environment holds, least binding first. A variable that looks like one of ours and is none is a
 * problem; an empty one counts as not set, but for QUEUES, whose emptiness Resque refuses too.
 */
export function readEnvironment(env: Environment): { findings: Finding[]; problems: string[] } {
  const findings = Object.entries(KNOWN).flatMap(([name, read]) => {
    const value = env[name]
    return value === undefined || (value === '' && name !== 'QUEUES') ? [] : read(value, name)
  })
  const problems = Object.keys(env)
    .filter((name) => SECTION_NAME.test(name) && !(name in KNOWN))
    .map((name) => `${name}: expected the name of a setting, got an unknown one${didYouMean(name, Object.keys(KNOWN))}`)
  return { findings, problems }
}

/** Either of these makes a folder an application. */
const MARKS = ['config/runtime.yml', 'package.json']

/**
 * The application a command was called in: the nearest folder, from `cwd` up, that has `config/runtime.yml` or
 * `package.json`; `cwd` itself when there is none.
 */
export function findAppRoot(cwd: string): string {
  const start = resolve(cwd)
  for (let folder = start; ; folder = dirname(folder)) {
    if (MARKS.some((mark) => existsSync(join(folder, mark)))) return folder
    if (dirname(folder) === folder) return start
  }
}
