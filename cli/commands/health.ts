import { hostname } from 'node:os'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { formatDuration } from '../../runtime/core/duration.ts'
import { command } from '../command.ts'
import type { Context } from '../context.ts'
import { json, line } from '../output.ts'
import { readPidfile } from '../pidfile.ts'

interface HealthFlags {
  pidfile?: string
  pid?: number
  timeout: number
}

/** What a probe found. */
interface Finding {
  ok: boolean
  why: string
}

/** `runtime health`: for exec probes of Docker, Kubernetes and ECS, which only look at the exit status. */
export const healthCommand = command<HealthFlags>({
  example: ['health --pidfile run/worker.pid', 'for a probe that runs a command'],
  flags: (yargs) =>
    yargs
      .option('pidfile', { type: 'string', alias: 'pid-file', describe: 'The worker that wrote this file is ready' })
      .option('pid', {
        type: 'number',
        describe: 'The worker or scheduler with this process ID is ready; 1 in a container',
      })
      .option('timeout', { type: 'number', default: 3, describe: 'Seconds that the probe may take' })
      .conflicts('pidfile', 'pid'),
  run: async (context, { pidfile, pid, timeout }) => {
    if (!(timeout > 0)) throw new RuntimeError('ERR_USAGE', `--timeout: expected seconds above 0, got ${timeout}`)
    const { ok, why } = await within(timeout * 1000, probe(context, pidfile, pid))
    if (context.json) json({ ok, why })
    else line(why)
    return ok ? 0 : 1
  },
})

async function probe(context: Context, pidfile: string | undefined, pid: number | undefined): Promise<Finding> {
  const { store } = context
  const [seconds, micros] = await store.connection.ask((redis) => redis.time())
  const nowMs = Number(seconds) * 1000 + Number(micros) / 1000
  const wanted = pidfile === undefined ? pid : readPidfile(pidfile)
  if (wanted === undefined)
    return pidfile === undefined
      ? { ok: true, why: 'Redis answers' }
      : { ok: false, why: `${pidfile}: no worker that wrote this file is running` }
  const host = hostname()
  const worker = (await store.supervisors.list()).find(
    ({ about }) => about['host'] === host && about['pid'] === String(wanted),
  )
  if (worker) {
    const leftMs = worker.leaseEndsAtMs - nowMs
    return leftMs > 0
      ? { ok: true, why: `worker ${host}:${wanted} is ready; its lease ends in ${formatDuration(Math.round(leftMs))}` }
      : { ok: false, why: `worker ${host}:${wanted} lost its lease ${formatDuration(Math.round(-leftMs))} ago` }
  }
  const isScheduler = (await store.health.schedulers()).some(({ owner }) => owner === `${host}:${wanted}`)
  return isScheduler
    ? { ok: true, why: `scheduler ${host}:${wanted} is ready` }
    : {
        ok: false,
        why: `no worker or scheduler ${host}:${wanted} is registered; it is starting, leaving, or in another namespace`,
      }
}

/** A probe that takes too long has found that something does not answer. */
async function within(ms: number, found: Promise<Finding>): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, why: `no answer within ${ms / 1000} s; is Redis there?` }), ms)
  })
  const refused = (error: unknown): Finding => {
    if (error instanceof RuntimeError && error.code === 'ERR_USAGE') throw error
    return { ok: false, why: (error as Error).message }
  }
  return Promise.race([found.catch(refused), late]).finally(() => clearTimeout(timer))
}
