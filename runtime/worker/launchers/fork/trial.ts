import { tmpdir } from 'node:os'
import { silentLogger } from '../../../core/logger.ts'
import { OWN_OUTPUT } from '../launcher.ts'
import { ZygoteProcess } from './zygote-process.ts'
import { refuseFlags, refusePlatform, type Refusal } from './zygote/core/preflight-platform.ts'

/** What this machine does with an application that has nothing in it. */
export interface ForkTrial {
  /** Why it does not fork; undefined where it does. */
  refusal?: Refusal
  /** Why the stack of a job that hangs cannot be printed. */
  stackFault?: string
  tookMs: number
}

/** Starts a zygote without an application: all checks of its start, both trial forks included. Leaves nothing behind. */
export async function tryMachine(bootTimeoutMs: number): Promise<ForkTrial> {
  const startedAt = performance.now()
  const tookMs = (): number => performance.now() - startedAt
  const refusal = refusePlatform() ?? refuseFlags(process.env)
  if (refusal) return { refusal, tookMs: tookMs() }
  const zygote = new ZygoteProcess({
    boot: {
      source: { root: tmpdir(), paths: [] },
      built: {},
      socketPath: '',
      mark: `${process.pid}-trial`,
      jobsPerChild: 1,
    },
    bootTimeoutMs,
    startedTimeoutMs: bootTimeoutMs,
    spares: 0,
    nextLaunch: () => 0,
    log: silentLogger,
    passOutput: { ...OWN_OUTPUT, out: OWN_OUTPUT.err },
  })
  try {
    const start = await zygote.started
    if ('refusal' in start) return { refusal: start.refusal, tookMs: tookMs() }
    const { stackFault } = start.manifest
    return { ...(stackFault === undefined ? {} : { stackFault }), tookMs: tookMs() }
  } catch (error) {
    return {
      refusal: { reason: (error as Error).message, cure: 'jobs are spawned; see docs/fork.md' },
      tookMs: tookMs(),
    }
  } finally {
    await zygote.stop()
  }
}
