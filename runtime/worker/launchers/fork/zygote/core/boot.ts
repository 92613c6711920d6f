import { stat } from 'node:fs/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Connections } from './connections.ts'
import { giveOwnIdentity } from '../child-identity/child-identity.ts'
import { FrameReader } from '../wire/frames.ts'
import { THOROUGH, gatherHeap, packHeap, type Collect } from '../tuning/heap-layout.ts'
import { installStackPrinter } from '../../../../stack/stack-printer.ts'
import { replaceExits } from './exit.ts'
import { RLIMIT, SIGKILL, adoptOrphans, dieWithParent, limit, read } from './libc.ts'
import { CONTROL_FD, type Boot } from '../wire/zygote-messages.ts'
import { disablePlatformWorkers } from './node-platform.ts'
import { watchThreadOrigins, type Origins } from './origins.ts'
import { listThreads, type Thread } from './threads.ts'

const FAR_AWAY_MS = 2 ** 30

/** This process, ready for the application to be loaded. */
export interface Prepared {
  boot: Boot
  /** Why the platform's workers could not be taken out. */
  patchFault: string | undefined
  /** Why the stack of a job that hangs cannot be had. */
  stackFault: string | undefined
  makeDistinct: () => void
  /** All threads there may be. */
  threads: readonly Thread[]
  /** Grows as the application starts threads. */
  origins: Origins
  /** Those that the application opens. */
  connections: Connections
  collectGarbage: () => void
  /** While it is ref'd the event loop is not empty. */
  keepAlive: NodeJS.Timeout
  /** See heap-layout.ts; for when the event loop runs. */
  packHeap: () => Promise<void>
}

/**
 * Prepares this process to be forked: what must be patched, wrapped or started before any line of the application. The
 * order is that of the recipe (docs/fork.md).
 */
export async function prepareToFork(): Promise<Prepared> {
  // While the event loop runs, nothing watches the control socket; later the zygote's own loop does.
  dieWithParent(SIGKILL)
  gatherHeap()
  const boot = readBoot()
  adoptOrphans()
  limit(RLIMIT.core, 0)
  resetFlags()
  const patchFault = disablePlatformWorkers()
  const stackFault = installStackPrinter()
  replaceExits()
  const distinct = giveOwnIdentity()
  makeOutputBlock()
  await stat('/') // Starts libuv's thread pool, so that it belongs to the baseline.
  // Node leaves when nothing is pending; modules may wait for what is no handle, such as a signal.
  const keepAlive = setInterval(() => undefined, FAR_AWAY_MS)
  const collect = findGarbageCollector()
  return {
    boot,
    patchFault,
    stackFault,
    makeDistinct: distinct.inChild,
    threads: listThreads(),
    origins: watchThreadOrigins(),
    connections: new Connections(),
    keepAlive,
    collectGarbage: () => void collect({ ...THOROUGH, execution: 'sync' }),
    packHeap: () => packHeap(collect),
  }
}

/** The supervisor's first message. Nothing else can be done before it, so it is waited for without the event loop. */
function readBoot(): Boot {
  const reader = new FrameReader()
  for (;;) {
    const bytes = Buffer.allocUnsafe(64 * 1024)
    const count = read(CONTROL_FD, bytes, bytes.length)
    if (count <= 0) process.exit(0)
    const [boot] = reader.push(bytes.subarray(0, count)) as Boot[]
    if (boot) return boot
  }
}

/** Our flags are for this process, not for the node processes and Workers that jobs start. */
function resetFlags(): void {
  process.execArgv = process.execArgv.filter(
    (flag) =>
      !/^--(single-threaded|v8-pool-size|no-flush-bytecode|use-largepages|no-short-builtin-calls|max-semi-space-size)/.test(
        flag,
      ),
  )
}

/** Without this, output that was never touched in the zygote is lost in children, and long output is cut at their end. */
function makeOutputBlock(): void {
  for (const stream of [process.stdout, process.stderr]) {
    const { _handle: handle } = stream as unknown as { _handle?: { setBlocking?: (on: boolean) => void } }
    handle?.setBlocking?.(true)
  }
}

/** `gc`, without a global of that name for the application to see. */
function findGarbageCollector(): Collect {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as Collect
  setFlagsFromString('--no-expose-gc')
  return collect
}
