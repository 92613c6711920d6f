/**
 * A process for one job, as `spawn` starts it: loads the application, says so, waits for its one assignment, performs
 * it, and leaves. It speaks with its supervisor over Node's IPC channel and leaves when that closes.
 */
import { readFileSync } from 'node:fs'
import nodeModule from 'node:module'
import { dirname, join } from 'node:path'
import { machine } from '../../../../config/machine.ts'
import { toError } from '../../../core/errors.ts'
import { loadApp, type AppSource } from '../../../jobs/app.ts'
import { flushTelemetry } from '../../../jobs/telemetry.ts'
import { execute, type Channel } from '../../child/executor.ts'
import { describeMemory } from '../../child/memory-figures.ts'
import { JobLoop } from '../../child/job-loop.ts'
import { manifestOf } from '../../run/manifest.ts'
import type { Assignment, ChildMessage, Manifest, ParentMessage } from '../../../wire.ts'
import { jobTitle } from '../../titles.ts'
import type { BuiltFiles } from '../fork/app-build/app-build.ts'
import { installLocator, locateBuilt } from '../fork/zygote/core/built-imports.ts'
import { OpenResources } from '../../where/waiting-for.ts'

/** What a child says before it has an assignment. */
export type BootMessage = { type: 'ready'; manifest: Manifest } | { type: 'broken'; code: string; message: string }

/** A child's last message beside the outcome: what the kernel counted for it. */
export interface UsageMessage {
  type: 'usage'
  cpuUserMs: number
  cpuSystemMs: number
  peakRssBytes: number
}

/** System calls through koffi, where this platform has them; elsewhere a child leaves when its channel closes. */
const libc = machine.os() === 'linux' ? await import('../fork/zygote/core/libc.ts').catch(() => undefined) : undefined

/** Of Node 22.1 and 22.10; what one process has compiled, those after it only load. It goes with the build. */
const {
  enableCompileCache: shareCompiled = (_folder: string): unknown => undefined,
  flushCompileCache: keepCompiled = () => undefined,
} = nodeModule as unknown as { enableCompileCache?: (folder: string) => unknown; flushCompileCache?: () => void }

const say = (message: ChildMessage | BootMessage | UsageMessage): Promise<void> =>
  new Promise((resolve) => (process.send ? process.send(message, undefined, {}, () => resolve()) : resolve()))

process.on('disconnect', () => process.exit(0))
dieWithParent(Number(process.argv[3]))

const stackFault = await printStacks()

const source = JSON.parse(process.argv[2] ?? '{}') as AppSource
try {
  const list = process.argv[4]
  const built = list === undefined ? {} : (JSON.parse(readFileSync(list, 'utf8')) as BuiltFiles)
  if (list !== undefined) shareCompiled(join(dirname(list), 'compiled'))
  installLocator(built)
  const app = await loadApp(source, locateBuilt(built))
  keepCompiled()
  const inbox: ParentMessage[] = []
  let listener: ((message: ParentMessage) => void) | undefined
  const channel: Channel = {
    loop: new JobLoop((on) => (on ? process.channel?.ref() : process.channel?.unref())),
    send: (message) => void say(message),
    onMessage: (given) => {
      listener = given
      for (const message of inbox.splice(0)) given(message)
    },
  }
  const resources = new OpenResources()
  const assigned = new Promise<Assignment>((resolve) => {
    process.on('message', (message: ParentMessage) => {
      if (message.type === 'assignment') resolve(message.assignment)
      else if (message.type === 'where')
        void resources.look(message.withinMs).then((found) => say({ type: 'waiting', ...found }))
      else if (message.type === 'figures' || message.type === 'snapshot') void say(describeMemory(message))
      else if (listener) listener(message)
      else inbox.push(message)
    })
  })
  await say({ type: 'ready', manifest: { ...manifestOf(app), ...(stackFault === undefined ? {} : { stackFault }) } })
  await perform(await assigned, app, channel)
} catch (thrown) {
  const error = toError(thrown)
  const { code } = error as { code?: unknown }
  await say({ type: 'broken', code: typeof code === 'string' ? code : 'ERR_APP_LOAD', message: error.message })
  process.exit(1)
}

async function perform(
  assignment: Assignment,
  app: Awaited<ReturnType<typeof loadApp>>,
  channel: Channel,
): Promise<void> {
  process.title = jobTitle(assignment)
  applyLimits(assignment)
  // A polite end: the job's signal aborts, and what it does then is its own affair until the KILL.
  process.on('SIGTERM', () =>
    process.emit('message', { type: 'cancel', reason: 'stop requested' } satisfies ParentMessage, undefined),
  )
  await say({ type: 'started', pid: process.pid })
  const startedAt = performance.now()
  const about = { id: assignment.jobId, class: assignment.className, queue: assignment.queue }
  let loadMs: number | undefined
  const outcome = await execute(assignment, app, channel, async () => {
    await app.hooks.afterFork?.(about)
    loadMs = performance.now() - startedAt
  })
  const ranMs = performance.now() - startedAt
  const usage = process.resourceUsage()
  await say({
    type: 'usage',
    cpuUserMs: usage.userCPUTime / 1000,
    cpuSystemMs: usage.systemCPUTime / 1000,
    peakRssBytes: usage.maxRSS * 1024,
  })
  await say({ type: 'outcome', outcome, ranMs, ...(loadMs === undefined ? {} : { loadMs }) })
  await flushTelemetry()
  process.exit(0)
}

/**
 * The kernel kills this process when its supervisor dies, also in an infinite loop (promise 8).
 * @param parentPid who started it: when that is not the parent any more, it has died already
 */
function dieWithParent(parentPid: number): void {
  libc?.dieWithParent(libc.SIGKILL)
  if (process.ppid !== parentPid) process.exit(1)
}

/** Sets the kernel's limits for a job. Core dumps are off: a job's memory is not for the disk. */
function applyLimits({ cpuLimitSeconds, openFilesLimit, niceness }: Assignment): void {
  if (!libc) return
  libc.limit(libc.RLIMIT.core, 0)
  if (cpuLimitSeconds !== undefined) libc.limit(libc.RLIMIT.cpu, cpuLimitSeconds, 2)
  if (openFilesLimit !== undefined) libc.limit(libc.RLIMIT.openFiles, openFilesLimit)
  if (niceness !== undefined) libc.setpriority(0, 0, niceness)
}

/** Makes this process print its stack when it is asked. @returns why it cannot */
async function printStacks(): Promise<string | undefined> {
  // V8 prints a stack in many small pieces: a pipe that does not block would take the first of them only.
  const { _handle: handle } = process.stderr as unknown as { _handle?: { setBlocking?: (on: boolean) => void } }
  handle?.setBlocking?.(true)
  if (!libc) return `stacks are printed on Linux only, with koffi; this is ${machine.os()}`
  return (await import('../../where/stack-printer.ts')).installStackPrinter()
}
