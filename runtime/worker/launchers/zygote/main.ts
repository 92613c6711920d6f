/**
 * Entry of the zygote: the process that loads the application once and then forks one child for each job. docs/fork.md
 * tells its whole life; the order of the steps below is that of the recipe, each relies on those before it.
 */
import { loadApp, type App } from '../../../jobs/app.ts'
import { toError } from '../../../core/errors.ts'
import { manifestOf } from '../../manifest.ts'
import { title } from '../../titles.ts'
import { becomeChild, findLoop, offerToOomKiller } from './after-fork.ts'
import { prepare, type Booted } from './boot.ts'
import { installLocator, locateBuilt } from './built-imports.ts'
import { Children } from './children.ts'
import { compileAhead, functionsOf, methodsOf } from './compile-ahead.ts'
import { InheritedSockets } from './descriptors.ts'
import { encodeFrame } from './frames.ts'
import type { Refusal } from './gate-platform.ts'
import { refuseHooks, refuseState, tryFork } from './gate.ts'
import { JobChannel } from './job-channel.ts'
import { live, runBeforeFork } from './job.ts'
import { leave } from './leave.ts'
import { close, dieWithParent, writeAll } from './libc.ts'
import { Lines } from './lines.ts'
import { ZygoteLoop } from './loop.ts'
import { CONTROL_FD, type FromZygote } from './messages.ts'
import { Orphans } from './orphans.ts'
import { rehearse } from './rehearsal.ts'

function tell(message: FromZygote): void {
  writeAll(CONTROL_FD, encodeFrame(message))
}

async function load({ boot }: Booted): Promise<App> {
  installLocator(boot.built)
  const app = await loadApp(boot.source, locateBuilt(boot.built))
  await app.hooks.beforeFirstFork?.()
  return app
}

/** Makes forks cheap: code that is compiled, and as little memory as can be. */
async function prepareMemory(
  { packHeap, makeDistinct }: Booted,
  app: App,
  lines: Lines,
  channel: JobChannel,
): Promise<void> {
  await rehearse({ lines, channel, makeDistinct })
  compileAhead([
    ...functionsOf(app),
    ...[JobChannel, InheritedSockets, ZygoteLoop, Children, Orphans, Lines].flatMap(methodsOf),
    leave,
    becomeChild,
    offerToOomKiller,
  ])
  // A fork copies the page tables of all memory: the less there is, the faster it is.
  await packHeap()
}

/** What turns a new process into a child; made before the fork. */
function prepareChildren(booted: Booted, loop: ZygoteLoop): () => void {
  const sockets = new InheritedSockets([CONTROL_FD])
  const letGo = (): void => {
    close(CONTROL_FD)
    loop.forget()
    sockets.disconnect()
  }
  const inheritance = { zygotePid: process.pid, loop: findLoop(), makeDistinct: booted.makeDistinct, letGo }
  const become = (): void => becomeChild(inheritance)
  compileAhead([letGo, become])
  return become
}

async function refuse(booted: Booted, app: App, become: () => void): Promise<Refusal | undefined> {
  const { patchFault, threads, threadOrigins, collectGarbage } = booted
  if (patchFault !== undefined)
    return { reason: patchFault, cure: 'report this with the output of `node -p process.versions`' }
  return (
    refuseHooks(app.hooks) ??
    (await refuseState(threads, threadOrigins)) ??
    (await tryFork(become, collectGarbage)) ??
    (await tryFork(become, collectGarbage))
  )
}

async function main(): Promise<void> {
  const booted = await prepare()
  const { boot } = booted
  let app: App
  try {
    app = await load(booted)
  } catch (thrown) {
    const error = toError(thrown) as Error & { code?: string }
    tell({ type: 'broken', code: error.code ?? 'ERR_APP_LOAD', message: error.message })
    return process.exit(1)
  }
  const channel = new JobChannel()
  const lines = new Lines(boot.socketPath)
  await prepareMemory(booted, app, lines, channel)
  const loop = new ZygoteLoop(boot.mark, lines, (assignment) => runBeforeFork(app, assignment))
  const become = prepareChildren(booted, loop)
  const refusal = await refuse(booted, app, become)
  if (refusal) {
    tell({ type: 'refused', ...refusal })
    return process.exit(0)
  }
  tell({ type: 'ready', manifest: manifestOf(app), forksAhead: app.hooks.beforeFork === undefined })
  process.title = title(`Zygote of ${boot.supervisorPid}`)
  dieWithParent(0)
  setImmediate(() => {
    const born = loop.run()
    become()
    channel.open(lines.adopt(born.line))
    void live(app, channel, born).then(leave)
  })
}

await main()
