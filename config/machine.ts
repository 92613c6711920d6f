import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { availableParallelism, release, totalmem } from 'node:os'

/**
 * What this machine answers. Everything that depends on the platform asks here, so that a test can answer in its place.
 * A file that is not there, or may not be read, answers `undefined`: every caller works without /proc.
 */
export const machine = {
  os: (): string => process.platform,
  arch: (): string => process.arch,
  /** Such as `v24.1.0`. */
  node: (): string => process.version,
  kernel: (): string => release(),
  /** Version of glibc; undefined with another C library. Takes some milliseconds. */
  glibc: (): string | undefined => reportHeader().glibcVersionRuntime,
  /** Processors that this process may run on; a container's quota is not in it, see {@link containerLimits}. */
  processors: (): number => availableParallelism(),
  /** Of the host. */
  memoryBytes: (): number => totalmem(),
  /** Text of a file, one character a byte. */
  file: (path: string): string | undefined => quietly(() => readFileSync(path, 'latin1')),
  folder: (path: string): string[] | undefined => quietly(() => readdirSync(path)),
  link: (path: string): string | undefined => quietly(() => readlinkSync(path)),
  exists: (path: string): boolean => existsSync(path),
}

function quietly<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function reportHeader(): { glibcVersionRuntime?: string } {
  const { report } = process as unknown as {
    report: { excludeNetwork?: boolean; getReport: () => { header: { glibcVersionRuntime?: string } } }
  }
  // The report names the peers of open connections, which asks name servers.
  const { excludeNetwork } = report
  report.excludeNetwork = true
  const { header } = report.getReport()
  report.excludeNetwork = excludeNetwork ?? false
  return header
}

/** True where this very process runs on musl, as images of Alpine do. */
export const isMusl = (): boolean => machine.file('/proc/self/maps')?.includes('/ld-musl-') === true

/** What the control groups of this process allow; undefined where nothing is limited. */
export interface ContainerLimits {
  version: 1 | 2
  memoryBytes?: number
  /** May be a fraction. */
  processors?: number
}

/** Where the control groups of this process are: a path by controller, that of cgroup v2 by an empty name. Format: cgroups(7). */
function ownGroups(): Map<string, string> {
  const lines = (machine.file('/proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'))
  return new Map(
    lines.flatMap(([, controllers, path]) =>
      controllers === undefined || path === undefined
        ? []
        : controllers.split(',').map((controller): [string, string] => [controller, path]),
    ),
  )
}

/** cgroup v1 says "no limit" with a number near 2^63, rounded to pages. */
const NO_LIMIT_BYTES = 2 ** 60

/**
 * The narrowest limit of memory and of processor time from this process's control group up to the root. In a container
 * the files of the root are those of the container's own group. Formats: the kernel's admin-guide/cgroup-v2.rst and
 * cgroup-v1/memory.rst, scheduler/sched-bwc.rst. @returns undefined where there are no control groups
 */
export function containerLimits(): ContainerLimits | undefined {
  const groups = ownGroups()
  if (groups.size === 0) return undefined
  const isSecond = machine.exists('/sys/fs/cgroup/cgroup.controllers')
  const [memory, quota] = isSecond
    ? secondVersion(groups.get('') ?? '/')
    : firstVersion(groups.get('memory') ?? '/', groups.get('cpu') ?? '/')
  return {
    version: isSecond ? 2 : 1,
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(quota === undefined ? {} : { processors: quota }),
  }
}

/**
 * How many processes the kernel has ended for the memory limit of this process's control group: `oom_kill` of memory.events
 * (v2) or memory.oom_control (v1, Linux 4.13). @returns undefined where it does not count them
 */
export function memoryKills(): number | undefined {
  const groups = ownGroups()
  const files = [
    ...upwards('/sys/fs/cgroup', groups.get('') ?? '/').map((folder) => `${folder}/memory.events`),
    ...upwards('/sys/fs/cgroup/memory', groups.get('memory') ?? '/').map((folder) => `${folder}/memory.oom_control`),
  ]
  const counts = files.map((path) => /^oom_kill (\d+)$/m.exec(machine.file(path) ?? '')?.[1])
  // The deepest group that has a count is that of this process; in a container its files are those of the root.
  const own = counts.findLast((count) => count !== undefined)
  return own === undefined ? undefined : Number(own)
}

type Narrowest = [memoryBytes: number | undefined, processors: number | undefined]

function secondVersion(path: string): Narrowest {
  const root = '/sys/fs/cgroup'
  return [
    narrowest(upwards(root, path), (folder) => memoryOf(`${folder}/memory.max`)),
    narrowest(upwards(root, path), (folder) => {
      const [quota, period] = (machine.file(`${folder}/cpu.max`) ?? '').trim().split(' ').map(Number)
      return share(quota, period)
    }),
  ]
}

function firstVersion(memoryPath: string, cpuPath: string): Narrowest {
  return [
    narrowest(upwards('/sys/fs/cgroup/memory', memoryPath), (folder) => memoryOf(`${folder}/memory.limit_in_bytes`)),
    narrowest(upwards('/sys/fs/cgroup/cpu', cpuPath), (folder) =>
      share(
        Number(machine.file(`${folder}/cpu.cfs_quota_us`)?.trim()),
        Number(machine.file(`${folder}/cpu.cfs_period_us`)?.trim()),
      ),
    ),
  ]
}

/** The folder of a group and all above it, up to `root`. */
function upwards(root: string, path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  return Array.from({ length: parts.length + 1 }, (_, index) => [root, ...parts.slice(0, index)].join('/'))
}

function narrowest(folders: readonly string[], read: (folder: string) => number | undefined): number | undefined {
  const limits = folders.map(read).filter((limit) => limit !== undefined)
  return limits.length === 0 ? undefined : Math.min(...limits)
}

function memoryOf(file: string): number | undefined {
  const bytes = Number(machine.file(file)?.trim() ?? NaN)
  return bytes > 0 && bytes < NO_LIMIT_BYTES ? bytes : undefined
}

const share = (quota = NaN, period = NaN): number | undefined => (quota > 0 && period > 0 ? quota / period : undefined)

/** How many jobs `worker.concurrency: auto` runs at a time: a whole processor each, of those that the container may use. */
export function processorsHere(): number {
  const quota = containerLimits()?.processors ?? Infinity
  return Math.max(1, Math.min(machine.processors(), Math.floor(quota)))
}

/** Soft limits of this process from /proc/self/limits; undefined: unlimited, or not known. */
export function processLimits(): { openFiles?: number; processes?: number } {
  const text = machine.file('/proc/self/limits') ?? ''
  const soft = (name: string): number | undefined => {
    const value = new RegExp(`^${name} +(\\d+)`, 'm').exec(text)?.[1]
    return value === undefined ? undefined : Number(value)
  }
  const [openFiles, processes] = [soft('Max open files'), soft('Max processes')]
  return { ...(openFiles === undefined ? {} : { openFiles }), ...(processes === undefined ? {} : { processes }) }
}

/** Node versions on which forking was tested: `npm run test:nodes`. */
const TESTED_NODE_MAJORS: readonly number[] = [20, 22, 24, 26]

/**
 * On an untested Node major forking goes by the structural checks and the trial forks alone.
 * @returns a warning; none where this version was tested
 */
export function untestedNode(version = machine.node()): string[] {
  if (TESTED_NODE_MAJORS.includes(majorOf(version))) return []
  return [
    `jobs are forked on Node ${version}, on which forking was not tested (it was on ${TESTED_NODE_MAJORS.join(', ')}); all checks at the start passed. isolation: spawn switches it off`,
  ]
}

/** As {@link untestedNode}, of all of this machine. */
export function untestedHere(): string[] {
  if (machine.arch() === 'x64') return untestedNode()
  return [
    ...untestedNode(),
    `jobs are forked on ${machine.arch()}, where forking was tested under emulation of the processor only; all checks at the start passed. isolation: spawn switches it off`,
  ]
}

/** `20` of `v20.19.0`. */
export const majorOf = (version: string): number => Number(/^v(\d+)/.exec(version)?.[1])
