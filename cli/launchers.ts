import { ForkLauncher } from '../runtime/worker/launchers/fork/fork.ts'
import { InlineLauncher } from '../runtime/worker/launchers/inline.ts'
import { NOWHERE, type Launcher } from '../runtime/worker/launchers/launcher.ts'
import { SpawnLauncher } from '../runtime/worker/launchers/spawn/spawn.ts'
import { refusePlatform, type Refusal } from '../runtime/worker/launchers/fork/zygote/core/gate-platform.ts'
import { loadAppHere, type Context } from './context.ts'

type OnFallback = (refusal: Refusal) => void
type Isolation = Context['config']['worker']['isolation']

/**
 * The launcher that a configuration asks for. `auto` forks where the platform can, and says nothing of it where it
 * cannot; an application that must not be forked is told by `onFallback`, and spawned.
 */
export async function makeLauncher(context: Context, onFallback: OnFallback): Promise<Launcher> {
  const { isolation, inspectJobs } = context.config.worker
  if (inspectJobs) return spawnLauncher(context)
  if (isolation === 'inline') return new InlineLauncher(context.source, await loadAppHere(context.source))
  return otherLauncher(isolation, context, onFallback)
}

/** A launcher for classes that ask for another isolation than the worker's; `inline` has its process of its own here. */
export function otherLauncher(isolation: Isolation, context: Context, onFallback: OnFallback): Launcher {
  if (
    context.config.worker.inspectJobs ||
    isolation === 'spawn' ||
    isolation === 'inline' ||
    (isolation === 'auto' && refusePlatform())
  )
    return spawnLauncher(context)
  const { source, log, config } = context
  const { bootTimeoutMs, concurrency, jobsPerChild } = config.worker
  return new ForkLauncher({
    source,
    log,
    bootTimeoutMs,
    spares: concurrency,
    jobsPerChild,
    ...shownOutput(context),
    onFallback,
    fallback: (spares) => spawnLauncher(context, spares),
  })
}

function spawnLauncher(context: Context, spares = context.config.worker.concurrency): SpawnLauncher {
  const { source, log, config } = context
  const { bootTimeoutMs, jobsPerChild } = config.worker
  return new SpawnLauncher({ source, log, spares, bootTimeoutMs, jobsPerChild, ...shownOutput(context) })
}

const shownOutput = ({ config }: Context): { passOutput?: typeof NOWHERE } =>
  config.worker.jobOutput === 'capture' && !config.worker.inspectJobs ? { passOutput: NOWHERE } : {}
