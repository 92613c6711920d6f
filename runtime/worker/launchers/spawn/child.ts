/**
 * A process for a job, as `spawn` starts it: loads the application, says so, waits for its assignment, performs it, and
 * leaves; with `worker.jobsPerChild` it takes several, one after another. It speaks with its supervisor over Node's IPC channel and leaves when that closes.
 */
import { readFileSync } from 'node:fs'
import nodeModule from 'node:module'
import { library } from '../../../../config/library.ts'
import { machine } from '../../../../config/machine.ts'
import { toError } from '../../../core/errors.ts'
import { loadApp, type AppSource } from '../../../jobs/app.ts'
import { ConsecutiveJobs, REST_AFTER_MS } from '../../child/consecutive-jobs.ts'
import { type Channel, JobEventLoop } from '../../child/event-loop.ts'
import { manifestOf } from '../../execution/manifest.ts'
import type { Assignment, ChildMessage, Manifest, ParentMessage } from '../../../messages.ts'
import type { BuiltFiles } from '../fork/app-build/app-build.ts'
import { Inbox } from './inbox.ts'
import { installLocator, locateBuilt } from '../fork/zygote/core/built-imports.ts'

/** What a child says before it has an assignment. */
export type BootMessage = { type: 'ready'; manifest: Manifest } | { type: 'broken'; code: string; message: string }

/** Node's own is 9229, which the application's server may have. */
const FIRST_PORT = 9230

/** System calls through koffi, where this platform has them; elsewhere a child leaves when its channel closes. */
const system = machine.os() === 'linux' ? await import('./system.ts').catch(() => undefined) : undefined

/** Of Node 22.10: what this process has compiled those after it only load, before it ends. */
const { flushCompileCache: keepCompiled = () => undefined } = nodeModule as unknown as {
  flushCompileCache?: () => void
}
// Not for what the job starts.
delete process.env['NODE_COMPILE_CACHE']

const say = (message: ChildMessage | BootMessage): Promise<void> =>
  new Promise((resolve) => (process.send ? process.send(message, undefined, {}, () => resolve()) : resolve()))

process.on('disconnect', () => process.exit(0))
dieWithParent(Number(process.argv[3]))

keepErrorsBlocking()
const stackFault = printStacks()

const source = JSON.parse(process.argv[2] ?? '{}') as AppSource
try {
  const list = process.argv[5]
  const built = list === undefined ? {} : (JSON.parse(readFileSync(list, 'utf8')) as BuiltFiles)
  installLocator(built)
  const app = await loadApp(source, locateBuilt(built))
  keepCompiled()
  let sent = Promise.resolve()
  const send = (message: ChildMessage): void => void (sent = say(message))
  const inbox = new Inbox(send)
  const loop = new JobEventLoop((on) => (on ? process.channel?.ref() : process.channel?.unref()))
  const channel: Channel = { loop, send, onMessage: (listener) => inbox.listen(listener) }
  process.on('message', (message: ParentMessage) => inbox.take(message))
  // A polite end: the job's signal aborts, and what it does then is its own affair until the KILL.
  process.on('SIGTERM', () => inbox.take({ type: 'cancel', reason: 'stop requested' }))
  const begin = async ({ jobId: id, className, queue }: Assignment): Promise<unknown> =>
    app.hooks.afterFork?.({ id, class: className, queue })
  const jobsPerChild = Number(process.argv[4])
  const series = new ConsecutiveJobs({
    app,
    channel,
    jobsPerChild,
    tellsUsage: true,
    tellsStarts: true,
    setLimits: system?.setLimits ?? (() => undefined),
    begin,
    environment: system?.environmentPointers,
  })
  await say({ type: 'ready', manifest: { ...manifestOf(app), ...(stackFault === undefined ? {} : { stackFault }) } })
  for (let goesOn = true, isNew = true; goesOn; isNew = false) {
    const resting = isNew ? undefined : setTimeout(() => series.rest(), REST_AFTER_MS)
    const assignment = await inbox.assignment()
    clearTimeout(resting)
    if (assignment.inspect === true) waitForDebugger(assignment)
    goesOn = await series.perform(assignment)
  }
  await sent
  process.exit(0)
} catch (thrown) {
  const error = toError(thrown)
  const { code } = error as { code?: unknown }
  await say({ type: 'broken', code: typeof code === 'string' ? code : 'ERR_APP_LOAD', message: error.message })
  process.exit(1)
}

/** On the first free port from 9230; node itself prints how to connect. */
function waitForDebugger({ className, jobId }: Assignment): void {
  const inspector = library('node:inspector')
  for (let port = FIRST_PORT; inspector.url() === undefined && port < FIRST_PORT + 100; port++) inspector.open(port)
  process.stderr.write(`job ${jobId} ${className} waits for a debugger at ${inspector.url()}\n`)
  inspector.waitForDebugger()
}

/**
 * The kernel kills this process when its supervisor dies, also in an infinite loop (promise 8).
 * @param parentPid who started it: when that is not the parent any more, it has died already
 */
function dieWithParent(parentPid: number): void {
  system?.dieWithParent(system.SIGKILL)
  // A job's memory is not for the disk.
  system?.limit(system.RLIMIT.core, 0)
  if (process.ppid !== parentPid) process.exit(1)
}

/** Makes this process print its stack when it is asked. @returns why it cannot */
function printStacks(): string | undefined {
  if (!system) return `stacks are printed on Linux only, with koffi; this is ${machine.os()}`
  return system.installStackPrinter()
}

/**
 * V8 prints a stack in many small pieces: a pipe that does not block would take the first of them only. Node makes it so when
 * it opens standard error, which takes long: so not before the job asks for it.
 */
function keepErrorsBlocking(): void {
  const open = Object.getOwnPropertyDescriptor(process, 'stderr')?.get?.bind(process)
  if (!open) return
  Object.defineProperty(process, 'stderr', {
    configurable: true,
    enumerable: true,
    get: () => {
      const stream = open() as typeof process.stderr & { _handle?: { setBlocking?: (on: boolean) => void } }
      stream._handle?.setBlocking?.(true)
      return stream
    },
  })
}
