import { existsSync, readFileSync } from 'node:fs'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { findAppRoot, type Finding, readEnvironment } from './environment.ts'
import { findEmbeddedRedis } from './embedded-redis.ts'
import { ConfigError, describeProblems } from './problems.ts'
import { type Config, configShape, type Place, type Settings } from './schema.ts'
import { checkShape } from './shape.ts'
import { readYaml, type Yaml } from './yaml.ts'

type Tree = Record<string, unknown>

/** What the command line said, in the tree's own form; undefined entries count as not given. */
export type ConfigFlags = {
  [Key in Exclude<keyof Config, keyof Place>]?: NonNullable<Config[Key]> extends object
    ? { [Inner in keyof NonNullable<Config[Key]>]?: unknown }
    : unknown
}

/** Where the settings come from. */
export interface LoadOptions {
  /** Where to look for the application. Default: the process's own folder. */
  cwd?: string
  env?: Readonly<Record<string, string | undefined>>
  flags?: ConfigFlags
  /** A settings file in place of config/runtime.yml (also RUNTIME_CONFIG), relative to the application. */
  file?: string | undefined
  /** Without a configured Redis, take the one that `runtime dev` runs for this application, if it does. Default: true. */
  findEmbedded?: boolean
}

/**
 * All settings: flags before environment before config/runtime.yml before defaults; checked, complete, deeply frozen.
 * @throws ConfigError with one line for everything that is wrong
 */
export function loadConfig(options: LoadOptions = {}): Config {
  const { cwd = process.cwd(), env = process.env, flags = {}, file, findEmbedded = true } = options
  const root = findAppRoot(cwd)
  const source = readConfigFile(root, file ?? (env['RUNTIME_CONFIG'] || undefined))
  const { findings, problems } = readEnvironment(env)
  const origins = new Map<string, string>()
  for (const finding of [...findings, ...flagFindings(flags)]) put(source.tree, finding, origins)

  const { values, issues } = checkShape(configShape, source.tree)
  const place = (path: readonly PropertyKey[]): string => originOf(path, origins) ?? source.place(path)
  problems.push(...describeProblems(issues, source.tree, place))
  if (issues.length === 0) problems.push(...contradictions(values, root, place))
  if (problems.length > 0) throw new ConfigError([...new Set(problems)])
  const embedded = findEmbedded ? findEmbeddedRedis(root) : undefined
  const { url = values.redis.url, ...named } = redisOf(values, place, embedded)
  const redis = url === undefined ? values.redis : { ...values.redis, url }
  return deepFreeze({ ...settle({ ...values, redis }, root, source), ...named })
}

function flagFindings(flags: ConfigFlags): Finding[] {
  const leaves = (value: unknown, path: string[]): Finding[] => {
    if (value === undefined) return []
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return [{ path, value, from: 'command line' }]
    return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]))
  }
  return leaves(flags, [])
}

/** Puts a value into the tree, unless a part of the way there is no group: the check will say so in its own words. */
function put(tree: Tree, { path, value, from }: Finding, origins: Map<string, string>): void {
  const key = path.at(-1) ?? ''
  let group = tree
  for (const step of path.slice(0, -1)) {
    const inner = (group[step] ??= {})
    if (typeof inner !== 'object' || Array.isArray(inner)) return
    group = inner as Tree
  }
  group[key] = value
  origins.set(path.join('.'), from)
}

function originOf(path: readonly PropertyKey[], origins: Map<string, string>): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(path.slice(0, length).join('.'))
    if (origin !== undefined) return origin
  }
  return undefined
}

/** Settings that are fine alone and wrong together. */
function contradictions(
  { namespace, worker, redis }: Settings,
  root: string,
  place: (path: string[]) => string,
): string[] {
  const problems: string[] = []
  if (worker.leaseMs < 3 * worker.heartbeatMs) {
    problems.push(
      `${place(['worker', 'leaseMs'])}: worker.leaseMs: expected at least three heartbeats (${3 * worker.heartbeatMs} ms), ` +
        `got ${worker.leaseMs}; a worker that misses one beat must not count as dead`,
    )
  }
  const places = (['url', 'sentinel', 'cluster'] as const).filter((key) => redis[key] !== undefined)
  if (places.length > 1) {
    const last = places.at(-1) ?? ''
    problems.push(`${place(['redis', last])}: redis: expected either ${places.join(' or ')}, got both; leave one out`)
  }
  if (redis.cluster && !namespace.includes('{')) {
    problems.push(
      `${place(['namespace'])}: namespace: expected one in braces such as {${namespace}}, got ${namespace}; a Redis Cluster ` +
        'keeps what is in braces in one slot, and scripts need all keys of a namespace there (CROSSSLOT)',
    )
  }
  if (redis.cluster && (redis.db ?? 0) !== 0)
    problems.push(
      `${place(['redis', 'db'])}: redis.db: expected 0, the only database of a Redis Cluster, got ${redis.db}`,
    )
  if (redis.tls && redis.url !== undefined && !redis.url.startsWith('rediss:')) {
    problems.push(
      `${place(['redis', 'tls'])}: redis.tls: expected a rediss:// url beside it, got another; write rediss://`,
    )
  }
  for (const key of ['ca', 'cert', 'key'] as const) {
    const file = redis.tls?.[key]
    if (file === undefined) continue
    const what = key === 'key' ? 'PRIVATE KEY' : 'CERTIFICATE'
    const fault = faultOfPem(resolve(root, file), what)
    if (fault === undefined) continue
    problems.push(
      `${place(['redis', 'tls', key])}: redis.tls.${key}: expected a file with -----BEGIN ${what}-----, got '${file}', ${fault}; check the path`,
    )
  }
  return problems
}

function faultOfPem(path: string, what: string): string | undefined {
  try {
    return new RegExp(`-----BEGIN [A-Z0-9 ]*${what}-----`).test(readFileSync(path, 'utf8'))
      ? undefined
      : 'which has none'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? 'which is not there' : `which cannot be read (${code})`
  }
}

/** The Redis to use, and what names it, for messages. */
function redisOf({ redis }: Settings, place: (path: string[]) => string, embedded: string | undefined) {
  const named = (['url', 'sentinel', 'cluster'] as const).find((key) => redis[key] !== undefined)
  if (named === undefined) return embedded === undefined ? {} : { url: embedded, redisSource: 'runtime dev' }
  const origin = place(['redis', named])
  return { redisSource: origin === 'command line' ? '--redis' : origin }
}

/** Makes paths absolute, and fills in the files that count when they are there. */
function settle(settings: Settings, root: string, source: ConfigFile) {
  const { redis, worker, jobs, scheduler } = settings
  const absolute = (path: string | undefined): string | undefined =>
    path === undefined || isAbsolute(path) ? path : join(root, path)
  const existing = (stem: string): string | undefined =>
    ['.ts', '.js', '.mjs'].map((suffix) => join(root, stem + suffix)).find((path) => existsSync(path))
  const { tls } = redis
  return {
    ...settings,
    redis: tls
      ? { ...redis, tls: { ...tls, ca: absolute(tls.ca), cert: absolute(tls.cert), key: absolute(tls.key) } }
      : redis,
    worker: { ...worker, heapSnapshots: resolve(root, worker.heapSnapshots) },
    scheduler: { ...scheduler, file: resolve(root, scheduler.file) },
    jobs: {
      ...jobs,
      paths: jobs.paths.map((path) => resolve(root, path)),
      preload: absolute(jobs.preload) ?? existing('config/preload'),
      hooks: absolute(jobs.hooks) ?? existing('config/hooks'),
    },
    log: { ...settings.log, file: absolute(settings.log.file) },
    root,
    file: source.path,
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value) as unknown[]) {
    if (typeof inner === 'object' && inner !== null && !Object.isFrozen(inner)) deepFreeze(inner)
  }
  return Object.freeze(value)
}

/** A settings file as read: its tree without the empty entries, and the line on which each path stands. */
interface ConfigFile {
  /** Absolute; undefined when there is no file. */
  path: string | undefined
  tree: Record<string, unknown>
  /** `config/runtime.yml:7`, for messages. */
  place(path: readonly PropertyKey[]): string
}

const DEFAULT_FILES = ['config/runtime.yml', 'config/runtime.yaml']

/**
 * Reads the application's settings file, if it has one.
 * @param chosen a path that was given: then the file must exist
 */
function readConfigFile(root: string, chosen: string | undefined): ConfigFile {
  const found = chosen ?? DEFAULT_FILES.find((file) => existsSync(join(root, file)))
  if (found === undefined) return { path: undefined, tree: {}, place: () => 'defaults' }
  const path = resolve(root, found)
  const shown = relative(root, path).startsWith('..') ? path : relative(root, path)
  const yaml = readYaml(read(path, shown))
  if ('flaw' in yaml) {
    const [what] = yaml.flaw.message.split(/ at line |\n/)
    throw new ConfigError([`${shown}:${yaml.line}: expected valid YAML, got: ${what}; correct that line`])
  }
  const tree = yaml.value
  if (tree !== null && (typeof tree !== 'object' || Array.isArray(tree))) {
    throw new ConfigError([
      `${shown}:1: expected settings like "worker:", got ${Array.isArray(tree) ? 'a list' : 'a single value'}`,
    ])
  }
  const place = (at: readonly PropertyKey[]): string => `${shown}:${lineOf(yaml, at)}`
  return { path, tree: withoutNulls(tree ?? {}) as Record<string, unknown>, place }
}

function read(path: string, shown: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new ConfigError([`${shown}: expected a settings file that can be read, got ${code}; check the path`], {
      cause,
    })
  }
}

/** An entry with nothing behind its colon counts as not given. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutNulls(inner)]))
}

/** The line of the deepest part of the path that the file has. */
function lineOf({ document, lines }: Yaml, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined
    if (node?.range) return lines.linePos(node.range[0]).line
  }
  return 1
}
