/** Finds and removes what dead processes left: processes that their jobs had started, and folders. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { machine } from '../../../config/machine.ts'

/** In the environment of every process that a supervisor starts, and so of their descendants: its identity. */
export const supervisorVariable = 'RESQUE_RUNTIME_SUPERVISOR'

/** In the environment of every process that a forked job starts: `<supervisor pid>-<start>-<zygote>:<launch>`. */
export const MARK_VARIABLE = 'RESQUE_RUNTIME_MARK'

/**
 * Names a process among all that ever had its pid: `<pid>.<start time>.<pid namespace>`. A process on a host sees those of its
 * containers, and may share folders with them; the namespace keeps it from taking a living process for a dead one.
 */
export function identityOf(pid: number = process.pid): string {
  return [pid, startTime(pid) ?? 0, pidNamespace() ?? 0].join('.')
}

/** True when the process of this identity has ended; false also where that cannot be known from this namespace. */
export function hasEnded(identity: string): boolean {
  const [pid, started, namespace] = identity.split('.')
  return namespace !== undefined && namespace === pidNamespace() && started !== startTime(Number(pid))
}

/**
 * Kills what the jobs of dead supervisors left running: a job's own process dies with its supervisor, but what it had
 * started does not (promise 8). Only where there is a /proc.
 * @returns the pids that were killed
 */
export function sweepOrphans(): number[] {
  return killByEnvironment(supervisorVariable, hasEnded)
}

/** The same for what the jobs of this supervisor left, when all of them have ended. */
export function sweepOwn(): number[] {
  const own = identityOf()
  return killByEnvironment(supervisorVariable, (supervisor) => supervisor === own)
}

/** The mark of the job that started a process; undefined without one, and for a process that has ended or is another user's. */
export const markOf = (pid: number | string): string | undefined => environmentOf(pid, MARK_VARIABLE)

/** Kills every process whose mark begins so. */
export function killMarked(prefix: string): void {
  killByEnvironment(MARK_VARIABLE, (mark) => mark.startsWith(prefix))
}

/** Removes folders named `<prefix><identity>-…` whose process has ended. Those of other users cannot be removed, and stay. */
export function removeFoldersOfDead(parent: string, prefix = ''): void {
  for (const name of machine.folder(parent) ?? []) {
    if (!name.startsWith(prefix) || !hasEnded(name.slice(prefix.length).split('-')[0] ?? '')) continue
    try {
      rmSync(join(parent, name), { recursive: true, force: true })
    } catch {
      // Another user's.
    }
  }
}

/** Sends a signal to a process, or with a negative pid to a group; false when there is no such process. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

/**
 * Kills every other process whose variable has a condemned value. Where there is no /proc, or no descriptor left to list it
 * with, none can be found.
 * @returns the pids that were killed
 */
function killByEnvironment(variable: string, isCondemned: (value: string) => boolean): number[] {
  return (machine.folder('/proc') ?? []).map(Number).filter((pid) => {
    if (!Number.isInteger(pid) || pid === process.pid) return false
    const value = environmentOf(pid, variable)
    return value !== undefined && isCondemned(value) && signal(pid, 'SIGKILL')
  })
}

/** A variable in the environment that a process was started with. */
function environmentOf(pid: number | string, variable: string): string | undefined {
  const prefix = `${variable}=`
  return machine
    .file(`/proc/${pid}/environ`)
    ?.split('\0')
    .find((entry) => entry.startsWith(prefix))
    ?.slice(prefix.length)
}

/** In clock ticks since boot, field 22 of /proc/<pid>/stat; the name before it may contain spaces and brackets. */
function startTime(pid: number): string | undefined {
  const stat = machine.file(`/proc/${pid}/stat`) ?? ''
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? undefined : fields[19]
}

const pidNamespace = (): string | undefined => /\d+/.exec(machine.link('/proc/self/ns/pid') ?? '')?.[0]
