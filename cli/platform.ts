import { containerLimits, isMusl, machine, processLimits, processorsHere, untestedHere } from '../config/machine.ts'
import { formatBytes } from '../runtime/core/size.ts'
import type { Store } from '../runtime/store/store.ts'
import { tryMachine, type ForkTrial } from '../runtime/worker/launchers/fork/trial.ts'
import type { Context } from './context.ts'
import { bad, fine, note, type Finding } from '../runtime/inspect/doctor/finding.ts'
import { redisFindings } from '../runtime/inspect/doctor/server.ts'

/** Descriptors that a zygote has for each job at a time, see docs/fork.md; and what else a process has open. */
const DESCRIPTORS_PER_JOB = 6
const DESCRIPTORS_BESIDE = 64
/** A supervisor and a zygote have about a dozen threads, each job a few processes. */
const PROCESSES_PER_JOB = 10
/** A job needs some: Node alone takes 40 MB, a forked process shares most of it. */
const LITTLE_MEMORY_BYTES = 64 * 1024 ** 2
const SKEW_MS = 1000

/** What this machine and its Redis give: one screen. */
export async function platform(context: Context): Promise<Finding[]> {
  const { config, store } = context
  const [trial, ofRedis] = await Promise.all([
    tryMachine(config.worker.bootTimeoutMs),
    serverFindings(store).catch((error: Error) => [bad(error.message, 'see docs/configuration.md')]),
  ])
  return [...machineFindings(config.worker, trial), ...ofRedis]
}

/** The machine's part, from its answers. */
export function machineFindings({ concurrency }: { concurrency: number }, trial: ForkTrial): Finding[] {
  return [
    fine(`Node ${machine.node()} on ${machine.os()} ${machine.arch()}, kernel ${machine.kernel()}, ${libraryName()}`),
    ...forkFindings(trial),
    hugePages(),
    ...limitFindings(concurrency),
    ...containerFindings(concurrency),
  ]
}

function libraryName(): string {
  if (machine.os() !== 'linux') return 'the system’s C library'
  return isMusl() ? 'musl' : `glibc ${machine.glibc() ?? 'of unknown version'}`
}

function forkFindings({ refusal, stackFault, tookMs }: ForkTrial): Finding[] {
  if (refusal) return [note(`jobs are not forked here: ${refusal.reason}`, refusal.cure)]
  const findings = [fine(`jobs can be forked: all checks and two trial forks passed (${Math.round(tookMs)} ms)`)]
  findings.push(...untestedHere().map((warning) => note(warning)))
  findings.push(
    stackFault === undefined
      ? fine('the stack of a job that hangs can be printed')
      : note(`the stack of a job that hangs cannot be printed: ${stackFault}`),
  )
  return findings
}

/** MADV_COLLAPSE goes by itself, whatever is enabled. */
function hugePages(): Finding {
  const setting = /\[(\w+)\]/.exec(machine.file('/sys/kernel/mm/transparent_hugepage/enabled') ?? '')?.[1]
  const [major = 0, minor = 0] = machine.kernel().split('.').map(Number)
  if (setting === undefined) return note('no transparent huge pages here: forks of a large application cost more')
  return major > 6 || (major === 6 && minor >= 1)
    ? fine(`huge pages: ${setting}; the heap that is forked is put into huge pages`)
    : note(
        `huge pages: ${setting}; the heap that is forked stays in small pages, which costs 0.1 ms a fork for each MB`,
        'Linux 6.1 or later',
      )
}

function limitFindings(concurrency: number): Finding[] {
  const { openFiles, processes } = processLimits()
  const findings = [fine(`limits: ${openFiles ?? 'unlimited'} open files, ${processes ?? 'unlimited'} processes`)]
  if (openFiles !== undefined && openFiles < concurrency * DESCRIPTORS_PER_JOB + DESCRIPTORS_BESIDE)
    findings.push(
      bad(
        `${openFiles} open files are too few for worker.concurrency ${concurrency}`,
        'raise LimitNOFILE (systemd), ulimits.nofile (compose) or ulimit -n',
      ),
    )
  if (processes !== undefined && processes < concurrency * PROCESSES_PER_JOB)
    findings.push(
      note(`${processes} processes are few for worker.concurrency ${concurrency}`, 'raise LimitNPROC or ulimit -u'),
    )
  return findings
}

function containerFindings(concurrency: number): Finding[] {
  const limits = containerLimits()
  const memory = limits?.memoryBytes ?? machine.memoryBytes()
  const head = limits === undefined ? 'no control groups' : `control groups (v${limits.version})`
  const whose = (limit?: number): string => (limit === undefined ? 'of the machine' : 'of the container')
  const findings = [
    fine(
      `${head}: memory ${formatBytes(memory)} (${whose(limits?.memoryBytes)}), processors ${limits?.processors ?? machine.processors()} (${whose(limits?.processors)}); worker.concurrency is ${concurrency}, auto means ${processorsHere()}`,
    ),
  ]
  if (memory / concurrency < LITTLE_MEMORY_BYTES)
    findings.push(
      note(
        `with worker.concurrency ${concurrency} there are ${formatBytes(memory / concurrency)} of memory for each job`,
        'lower worker.concurrency, or give the container more memory; set memoryLimit for jobs that may grow',
      ),
    )
  return findings
}

/** The server's settings, and how far its clock is from this machine's. */
async function serverFindings(store: Store): Promise<Finding[]> {
  const findings = await redisFindings(store)
  const { aheadMs, roundTripMs } = await store.health.clock()
  const text = `Redis answers in ${roundTripMs.toFixed(1)} ms; its clock is ${Math.abs(Math.round(aheadMs))} ms ${aheadMs < 0 ? 'behind' : 'ahead of'} this machine’s`
  if (Math.abs(aheadMs) < SKEW_MS + roundTripMs) return [...findings, fine(text)]
  return [
    ...findings,
    note(
      `${text}: delayed jobs and schedule entries start by the clock of the machine that enqueues or schedules them; leases and locks go by that of Redis alone`,
      'synchronize the clocks (chrony, systemd-timesyncd)',
    ),
  ]
}
