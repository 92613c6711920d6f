import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** In the environment of every process that a supervisor starts, and so of all that those start in turn. */
export const supervisorVariable = 'RESQUE_RUNTIME_SUPERVISOR'

/**
 * Names this process among all that ever had its pid: `<pid>.<start time>.<pid namespace>`. The namespace keeps a
 * supervisor on a host, which sees the processes of its containers, from taking theirs for its own dead.
 */
export function supervisorMark(pid = process.pid): string {
  return [pid, startTime(pid) ?? 0, pidNamespace() ?? 0].join('.')
}

/**
 * Kills what the jobs of dead supervisors left running: a job's own process dies with its supervisor, but what it had
 * started does not (promise 8). Only where there is a /proc.
 * @returns the pids that were killed
 */
export function sweepOrphans(): number[] {
  const namespace = pidNamespace()
  if (namespace === undefined) return []
  const killed: number[] = []
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    const [owner, started, where] = (markOf(pid) ?? '').split('.')
    if (where !== namespace || started === startTime(Number(owner))) continue
    try {
      process.kill(pid, 'SIGKILL')
      killed.push(pid)
    } catch {
      // It has gone, or is another user's.
    }
  }
  return killed
}

function markOf(pid: number): string | undefined {
  const environment = readText(`/proc/${pid}/environ`)
  const prefix = `${supervisorVariable}=`
  return environment
    ?.split('\0')
    .find((entry) => entry.startsWith(prefix))
    ?.slice(prefix.length)
}

/** In clock ticks since boot, field 22 of /proc/<pid>/stat; the name before it may hold spaces and brackets. */
function startTime(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields?.[0] === 'Z' ? undefined : fields?.[19]
}

function pidNamespace(): string | undefined {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0]
  } catch {
    return undefined
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return undefined
  }
}
