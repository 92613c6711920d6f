import { machine } from '../../../../../../config/machine.ts'
import type { WorkerHooks } from '../../../../../jobs/app.ts'
import { markAllMemory } from '../tuning/fork-ranges.ts'
import {
  alarm,
  close,
  closeFrom,
  fork,
  getpid,
  kill,
  O_CLOEXEC,
  openPidfd,
  pipe2,
  poll,
  POLLIN,
  read,
  SIGKILL,
  wait4,
  writeAll,
} from './libc.ts'
import { BEYOND_ALL } from './descriptors.ts'
import { exitAtOnce } from './exit.ts'
import { platformFault } from './node-platform.ts'
import { callerOf, type Origins, placeIn } from './origins.ts'
import type { Refusal } from './preflight-platform.ts'
import { countThreads, foreignThreads, type Thread, waitForQuiet } from './threads.ts'
import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { type AddressInfo, connect as dial, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Threads that the application started while it was loaded. Where nothing was seen to start them, they are those of a
 * native module that started them when it was first used.
 */
export function refuseThreads(baseline: readonly Thread[], origins: Origins): Refusal | undefined {
  const foreign = foreignThreads(baseline)
  if (foreign.length === 0) return undefined
  const names = [...new Set(foreign.map((thread) => `"${thread.name}"`))].join(', ')
  const from = origins.threads.length > 0 ? `, started by ${origins.threads.join(' and ')}` : nativesOf(origins)
  return {
    reason: `loading the application started ${foreign.length} thread${foreign.length > 1 ? 's' : ''} (${names}${from}), which a forked process would lack`,
    cure: 'start it inside the job, or in an afterFork hook (config/hooks.ts), instead of while the module is loaded; a native module that starts threads is imported there: `await import(…)` in perform',
  }
}

/** Which native modules may have done it. */
const nativesOf = ({ natives }: Origins): string =>
  natives.length > 0 ? `; native modules that were loaded: ${[...new Set(natives)].join(', ')}` : ''

/** Hooks that cannot be run where they are asked for. */
export function refuseHooks({ beforeFork }: WorkerHooks): Refusal | undefined {
  if (beforeFork?.constructor.name !== 'AsyncFunction') return undefined
  return {
    reason: 'config/hooks: beforeFork is an async function, and nothing can be awaited in the process that forks',
    cure: 'make beforeFork a plain function, or move it to afterFork, which is awaited in each job process',
  }
}

/** What the kernel must have. */
export function refuseKernel(): Refusal | undefined {
  if (closeFrom(BEYOND_ALL) === 0) return undefined
  return {
    reason: 'this kernel has no close_range(2), which came with Linux 5.9, or a sandbox forbids it',
    cure: 'nothing is broken: jobs run through `spawn`; set isolation: spawn in runtime.yml to silence this',
  }
}

/** The structure: quiet threads, and a platform without workers. */
export async function refuseState(baseline: readonly Thread[], origins: Origins): Promise<Refusal | undefined> {
  const fault = platformFault()
  if (fault) return { reason: fault, cure: 'report this with the output of `node -p process.versions`' }
  // Node 24 reads certificates in a thread that is gone soon; what is left when all is quiet stays.
  const isQuiet = await waitForQuiet()
  const threads = refuseThreads(baseline, origins)
  if (threads) return threads
  if (isQuiet) return undefined
  return {
    reason: 'a thread was still busy two seconds after the application was loaded',
    cure: 'wait for background work in config/preload.ts with top-level await',
  }
}

const PROBE_SECONDS = 5
/** So many times that for a child that wants to go on and gets no processor: a busy machine is no hang. */
const BUSY_FACTOR = 8
const NAMED_CONNECTIONS = 5
const APPLICATION_CURE =
  'do that inside the job, or in an afterFork hook (config/hooks.ts), instead of while the module is loaded; or handle the error'

/**
 * Forks a child that tries what jobs do. `become` turns the new process into a child; it must not connect anywhere.
 * `origins` are named where it fails.
 * Resolves with the refusal in the zygote; never in the child, which leaves.
 */
export async function tryFork(
  become: () => void,
  collectGarbage: () => void,
  origins: Origins & { connections: readonly string[] },
  seconds = PROBE_SECONDS,
): Promise<Refusal | undefined> {
  const threadsBefore = countThreads()
  const pipe = new Int32Array(2)
  pipe2(pipe, O_CLOEXEC)
  const [from = -1, to = -1] = pipe
  const pid = markAllMemory() ? fork() : -1
  if (pid === 0) {
    alarm(seconds * BUSY_FACTOR + 1) // Should the zygote be gone by then.
    become()
    await runStages(to, collectGarbage)
  }
  close(to)
  const refusal =
    pid < 0
      ? { what: 'fork(2) was refused by the kernel', cure: 'raise the limit of processes or memory' }
      : awaitProbe(pid, from, seconds)
  close(from)
  if (refusal) return { reason: `the trial fork failed: ${refusal.what}${context(origins)}`, cure: refusal.cure }
  return countThreads() === threadsBefore
    ? undefined
    : { reason: 'a thread started during the trial fork', cure: 'see docs/fork.md' }
}

const context = ({ connections, natives }: Origins & { connections: readonly string[] }): string => {
  const more = connections.length - NAMED_CONNECTIONS
  const named = connections.slice(0, NAMED_CONNECTIONS).join(', ') + (more > 0 ? ` and ${more} more` : '')
  const opened = connections.length > 0 ? `; loading the application opened ${named}` : ''
  return opened + nativesOf({ threads: [], natives })
}

/** First byte of what a probe child says of its failure: of ours, or of the application. */
const FAILED = 0xff
const APPLICATION_FAILED = 0xfe

async function runStages(to: number, collectGarbage: () => void): Promise<never> {
  const say = (kind: number, text: string): boolean =>
    writeAll(to, Buffer.concat([Uint8Array.of(kind), Buffer.from(text)]))
  let uncaught: string | undefined
  process.on('uncaughtExceptionMonitor', (error) => {
    const place = placeIn(error.stack)
    uncaught = `${error.name}: ${error.message}, which nothing catches${place === undefined ? '' : ` (${place})`}`
  })
  const onExit = (): void => void say(APPLICATION_FAILED, uncaught ?? `process.exit was called in ${callerOf(onExit)}`)
  process.on('exit', onExit)
  try {
    for (const [index, stage] of STAGES.entries()) {
      writeAll(to, Uint8Array.of(index))
      await stage.run(collectGarbage)
    }
    writeAll(to, Uint8Array.of(STAGES.length))
  } catch (error) {
    say(FAILED, (error as Error).message)
    return exitAtOnce(1)
  }
  process.off('exit', onExit)
  process.exit(0)
}

/** A child that waits for a lock or a thread sleeps. */
const wantsProcessor = (pid: number): boolean => /\) R /.test(machine.file(`/proc/${pid}/stat`) ?? '')

/** Undefined when the child went through every stage and left by process.exit(0). */
function awaitProbe(pid: number, from: number, seconds: number): { what: string; cure: string } | undefined {
  const pidfd = openPidfd(pid)
  const set = Int32Array.from([pidfd, POLLIN])
  let ended = false
  for (let rounds = 0; !ended && (rounds === 0 || (rounds < BUSY_FACTOR && wantsProcessor(pid))); rounds += 1)
    ended = poll(set, 1, seconds * 1000) > 0
  if (!ended) kill(pid, SIGKILL)
  close(pidfd)
  const status = new Int32Array(1)
  wait4(pid, status, 0, new Uint8Array(144))
  const bytes = Buffer.alloc(4096)
  const seen = bytes.subarray(0, Math.max(0, read(from, bytes, bytes.length)))
  const message = seen.findIndex((byte) => byte === FAILED || byte === APPLICATION_FAILED)
  const stage = STAGES[(message < 0 ? seen.at(-1) : seen[message - 1]) ?? 0]?.name
  const text = seen.toString('utf8', message + 1)
  if (seen[message] === APPLICATION_FAILED) return { what: text, cure: APPLICATION_CURE }
  const cure = 'report this, with the modules your application loads'
  if (message >= 0) return { what: `${stage}: ${text}`, cure }
  if (seen.at(-1) !== STAGES.length) return { what: `it ${ended ? 'died' : 'hung'} while ${stage}`, cure }
  if (status[0] === 0) return undefined
  return { what: `it left with status ${status[0]} where process.exit(0) was called`, cure }
}

/**
 * What a probe child tries, in this order; the name of the last one begun is what a hang is reported as. Each stands
 * for a part of node that a fork can break.
 */
const STAGES: readonly { name: string; run: (collectGarbage: () => void) => Promise<unknown> | void }[] = [
  { name: 'reading its own pid', run: checkPid },
  { name: 'collecting garbage', run: churn },
  { name: 'waiting for a timer', run: () => sleep(1) },
  { name: 'using the thread pool', run: () => stat('/') },
  { name: 'import() of a new module', run: () => import(`data:text/javascript,export default ${getpid()}`) },
  { name: 'starting a process', run: startProcess },
  { name: 'a connection to itself', run: talkToItself },
]

function checkPid(): void {
  if (process.pid !== getpid()) throw new Error(`process.pid is ${process.pid}, the kernel says ${getpid()}`)
}

function churn(collectGarbage: () => void): void {
  for (let round = 0; round < 12; round += 1) {
    const kept = Array.from({ length: 2000 }, (_, index) => ({ index, text: `item ${index}` }))
    collectGarbage()
    if (kept.length !== 2000) throw new Error('objects vanished in a garbage collection')
  }
}

function startProcess(): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('/bin/true', (error) => (error ? reject(new Error(error.message)) : resolve()))
  })
}

async function talkToItself(): Promise<void> {
  const server = createServer((socket) => socket.end('hello'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = dial((server.address() as AddressInfo).port, '127.0.0.1')
  let heard = ''
  for await (const chunk of socket) heard += String(chunk)
  server.close()
  if (heard !== 'hello') throw new Error(`a loopback connection said ${JSON.stringify(heard)}`)
}
