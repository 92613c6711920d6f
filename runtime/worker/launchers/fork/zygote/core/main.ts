/**
 * Entry of the zygote: the process that loads the application once and then forks one child for each job. docs/fork.md
 * tells its whole life; the order of the steps below is that of the recipe, each relies on those before it.
 */
import { loadLibraries } from '../../../../../../config/library.ts'
import { loadApp, type App } from '../../../../../jobs/app.ts'
import { toError } from '../../../../../core/errors.ts'
import { flushTelemetry } from '../../../../../jobs/telemetry.ts'
import { manifestOf } from '../../../../execution/manifest.ts'
import { title } from '../../../../titles.ts'
import { OOM_FILE, becomeChild, oomScore, type Inheritance } from './after-fork.ts'
import { ZygoteResources, InheritedSockets, LateDescriptors } from './descriptors.ts'
import { prepareToFork, type Prepared } from './boot.ts'
import { installLocator, locateBuilt } from './built-imports.ts'
import { compileAhead, functionsOf } from '../tuning/compile-ahead.ts'
import { useHugePages } from '../tuning/heap-layout.ts'
import { encodeFrame } from '../wire/frames.ts'
import type { Refusal } from './preflight-platform.ts'
import { refuseHooks, refuseKernel, refuseState, tryFork } from './preflight.ts'
import { idWarnings } from '../child-identity/child-identity.ts'
import { JobChannel } from '../wire/job-channel.ts'
import { EnvironmentMark } from '../child-identity/environment-mark.ts'
import { runJobs, runBeforeFork } from './job.ts'
import { exitAfterJob, exitAtOnce } from './exit.ts'
import { dieWithParent, uvDefaultLoop, uvLoopFork, writeAll } from './libc.ts'
import { ConnectionPairs } from '../wire/connection-pairs.ts'
import { ZygoteLoop } from './loop.ts'
import { CONTROL_FD, type FromZygote } from '../wire/zygote-messages.ts'
import {
  ROUNDS_TO_COMPILE,
  ROUNDS_TO_LEARN,
  warmUp,
  warmUpFork,
  warmUpOutput,
  warmUpReuse,
  type ForkWarmUp,
} from '../tuning/warm-up.ts'

function tell(message: FromZygote): void {
  writeAll(CONTROL_FD, encodeFrame(message))
}

async function load({ boot }: Prepared): Promise<App> {
  loadLibraries()
  // In dist/ these are files of their own, which a job that enqueues would load.
  await import('../../../../../store/store.ts')
  await import('../../../../../store/connection/lua.generated.ts')
  installLocator(boot.built)
  const app = await loadApp(boot.source, locateBuilt(boot.built))
  await app.hooks.beforeFirstFork?.()
  // Spans of this process that are not exported by now would be exported by each child.
  await flushTelemetry()
  return app
}

/** Has V8 compile what children run, so that not each of them does. */
async function compile(app: App, forkWarmUp: Omit<ForkWarmUp, 'rounds'>, channel: JobChannel): Promise<void> {
  warmUpFork({ ...forkWarmUp, rounds: ROUNDS_TO_COMPILE })
  await warmUp({ channel, rounds: ROUNDS_TO_COMPILE })
  await warmUpOutput()
  compileAhead([...functionsOf(app), exitAfterJob, exitAtOnce])
}

/** A fork copies the page tables of all memory, and the child's end frees them: the less there is, the faster it is. */
async function shrink(
  { boot, packHeap }: Prepared,
  forkWarmUp: Omit<ForkWarmUp, 'rounds'>,
  channel: JobChannel,
): Promise<void> {
  await packHeap()
  // The collection took the shapes of objects that there are only while a job runs, and what V8 knew of them.
  warmUpFork({ ...forkWarmUp, rounds: ROUNDS_TO_LEARN })
  await warmUp({ channel, rounds: ROUNDS_TO_LEARN })
  if (boot.jobsPerChild > 1) await warmUpReuse(channel)
}

/** What a child needs from before the fork, as things are now. */
function inherit(loop: ZygoteLoop, makeDistinct: () => void): Inheritance {
  const resources = new ZygoteResources(CONTROL_FD, loop, new InheritedSockets([CONTROL_FD]))
  const renewLoop = uvLoopFork
  const oom = { oomFile: OOM_FILE, oomScore: oomScore() }
  return { zygotePid: process.pid, loop: uvDefaultLoop(), renewLoop, resources, ...oom, makeDistinct }
}

async function refuse(booted: Prepared, app: App, inherited: () => Inheritance): Promise<Refusal | undefined> {
  const { patchFault, threads, origins, connections, collectGarbage } = booted
  const trial = async (): Promise<Refusal | undefined> => {
    await connections.close()
    const inheritance = inherited()
    const opened = { connections: connections.origins, ...origins }
    const become = (): void => {
      becomeChild(inheritance)
      connections.allow()
    }
    const refusal = await tryFork(become, collectGarbage, opened)
    connections.allow()
    return refusal
  }
  if (patchFault !== undefined)
    return { reason: patchFault, cure: 'report this with the output of `node -p process.versions`' }
  return (
    refuseHooks(app.hooks) ??
    refuseKernel() ??
    (await refuseState(threads, origins)) ??
    (await trial()) ??
    (await trial())
  )
}

async function main(): Promise<void> {
  const booted = await prepareToFork()
  const { boot, keepAlive, makeDistinct, threads, origins, connections, stackFault } = booted
  let app: App
  try {
    app = await load(booted)
  } catch (thrown) {
    const error = toError(thrown) as Error & { code?: string }
    tell({ type: 'broken', code: error.code ?? 'ERR_APP_LOAD', message: error.message })
    return process.exit(1)
  }
  const channel = new JobChannel(keepAlive)
  const mark = new EnvironmentMark(boot.mark)
  const late = new LateDescriptors()
  const pairs = new ConnectionPairs(boot.socketPath, late)
  const forkWarmUp = { mark, pairs, late, makeDistinct }
  await compile(app, forkWarmUp, channel)
  const loop = new ZygoteLoop(mark, pairs, late, (assignment) => runBeforeFork(app, assignment))
  const inherited = (): Inheritance => inherit(loop, makeDistinct)
  let refusal = await refuse(booted, app, inherited)
  if (!refusal) {
    await shrink(booted, forkWarmUp, channel)
    // The application went on meanwhile.
    refusal = await refuseState(threads, origins)
  }
  if (refusal) {
    tell({ type: 'refused', ...refusal })
    return process.exit(0)
  }
  useHugePages()
  const manifest = { ...manifestOf(app), ...(stackFault === undefined ? {} : { stackFault }) }
  tell({ type: 'ready', manifest, forksAhead: app.hooks.beforeFork === undefined, warnings: idWarnings() })
  process.title = title(`Zygote of ${boot.supervisorPid}`)
  dieWithParent(0)
  // Clients that connect by themselves have done so again.
  await connections.close()
  setImmediate(() => {
    connections.forget()
    // As it is while a job runs.
    keepAlive.unref()
    channel.watchResources()
    keepAlive.ref()
    const inheritance = inherited()
    late.start()
    const born = loop.run()
    becomeChild(inheritance)
    channel.open(pairs.adopt(born.pair))
    void runJobs(app, channel, born, boot.jobsPerChild).then(exitAfterJob)
  })
}

await main()
