import { machine } from '../../../config/machine.ts'

/**
 * Names a process among all that ever had its pid: `<pid>.<start time>.<pid namespace>`. The namespace keeps a process on
 * a host, which sees those of its containers and may share folders with them, from taking the living for dead.
 */
export function identityOf(pid: number = process.pid): string {
  return [pid, startTime(pid) ?? 0, pidNamespace() ?? 0].join('.')
}

/** True when the process of this identity has ended; false also where that cannot be told from this namespace. */
export function hasEnded(identity: string): boolean {
  const [pid, started, namespace] = identity.split('.')
  return namespace !== undefined && namespace === pidNamespace() && started !== startTime(Number(pid))
}

/** In clock ticks since boot, field 22 of /proc/<pid>/stat; the name before it may hold spaces and brackets. */
function startTime(pid: number): string | undefined {
  const stat = machine.file(`/proc/${pid}/stat`) ?? ''
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? undefined : fields[19]
}

const pidNamespace = (): string | undefined => /\d+/.exec(machine.link('/proc/self/ns/pid') ?? '')?.[0]
