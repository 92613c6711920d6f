import { stat } from 'node:fs/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { becomeChild, findLoop, report, setLimits, socketAddress, type Inheritance } from './after-fork.ts'
import { loadApplication, type Application } from './application.ts'
import { InheritedSockets } from './descriptors.ts'
import { makeDistinct } from './distinct.ts'
import { FrameReader, encodeFrame } from './frames.ts'
import { refuseState, tryFork, type Refusal } from './gate.ts'
import { JobChannel } from './job-channel.ts'
import { leave, replaceWaysOut } from './leave.ts'
import { RLIMIT, SIGKILL, adoptOrphans, close, dieWithParent, limit, read, writeAll } from './libc.ts'
import { ZygoteLoop, type Born } from './loop.ts'
import { CONTROL_FD, type Boot, type FromZygote } from './messages.ts'
import { disablePlatformWorkers } from './node-platform.ts'
import { watchThreadOrigins } from './thread-origins.ts'
import { listThreads } from './threads.ts'

/**
 * Entry of the zygote: the process that loads the application once and then forks one child for each job. The order
 * below is the recipe of docs/fork.md; each step relies on those before it.
 */
const tell = (message: FromZygote): void => {
  writeAll(CONTROL_FD, encodeFrame(message))
}

/** The supervisor's first message. Nothing else can be done before it, so it is waited for without the event loop. */
function readBoot(): Boot {
  const reader = new FrameReader()
  const bytes = Buffer.allocUnsafe(64 * 1024)
  for (;;) {
    const count = read(CONTROL_FD, bytes, bytes.length)
    if (count <= 0) process.exit(0)
    const [boot] = reader.push(Buffer.from(bytes.subarray(0, count))) as Boot[]
    if (boot) return boot
  }
}

/** `gc`, without a global of that name for the application to see. */
function findGarbageCollector(): () => void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: object) => void
  return () => collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

async function main(): Promise<void> {
  // While the event loop runs, nothing watches the control socket; later the loop does.
  dieWithParent(SIGKILL)
  const boot = readBoot()
  adoptOrphans()
  limit(RLIMIT.core, 0)
  const patchFault = disablePlatformWorkers()
  replaceWaysOut()
  const distinct = makeDistinct()
  // Output that was never touched in the zygote is lost in children.
  for (const stream of [process.stdout, process.stderr])
    (stream as unknown as { _handle?: { setBlocking?: (on: boolean) => void } })._handle?.setBlocking?.(true)
  await stat('/') // Starts libuv's thread pool, so that it belongs to the baseline.
  const threads = listThreads()
  const origins = watchThreadOrigins()
  const collectGarbage = findGarbageCollector()

  let application: Application
  try {
    application = await loadApplication(boot.app)
  } catch (error) {
    return tell({ type: 'failed', error: { name: (error as Error).name, message: String((error as Error).message), backtrace: String((error as Error).stack).split('\n') } })
  }
  collectGarbage()
  collectGarbage()

  const sockets = new InheritedSockets([CONTROL_FD])
  const loop = new ZygoteLoop(boot.mark)
  const inheritance: Inheritance = {
    zygotePid: process.pid,
    loop: findLoop(),
    makeDistinct: distinct.inChild,
    letGo() {
      close(CONTROL_FD)
      loop.forget()
      sockets.disconnect()
    },
  }
  const become = (): void => becomeChild(inheritance)
  const refusal: Refusal | undefined =
    patchFault !== undefined
      ? { reason: patchFault, cure: 'report this with the output of `node -p process.versions`' }
      : ((await refuseState(threads, origins)) ?? (await tryFork(become, collectGarbage)) ?? (await tryFork(become, collectGarbage)))
  if (refusal) return tell({ type: 'refused', ...refusal })
  const address = socketAddress(boot.socketPath)
  tell({ type: 'ready', manifest: application.manifest })
  process.title = `resque-0.1.0: Zygote of ${boot.supervisorPid}`
  dieWithParent(0)
  setImmediate(() => {
    const born = loop.run()
    become()
    void runJob(application, address, born)
  })
}

/** In the child, on its own event loop: the job, then the end of the process. */
async function runJob(application: Application, address: Uint8Array, { launch, assignment }: Born): Promise<void> {
  process.title = `resque-0.1.0: Processing ${assignment.queue} since ${Math.floor(Date.now() / 1000)} [${assignment.className}]`
  const channel = new JobChannel(report(address, launch))
  setLimits(assignment)
  // Node would leave when nothing is pending; a job that waits for something else than handles must not end then.
  setInterval(() => {}, 1 << 30)
  await application.run(assignment, channel)
  leave(0)
}

await main()
