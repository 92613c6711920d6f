import { existsSync } from 'node:fs'

/** Why this process must not be forked, and what its owner can do about it. */
export interface Refusal {
  reason: string
  cure: string
}

/** The application must not, or cannot, be forked; it may well run otherwise. */
export class CannotFork extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(refusal.reason)
    this.refusal = refusal
  }
}

/** Node versions on which the whole recipe was tried. */
export const TRIED_NODE_MAJORS: readonly number[] = [20, 22, 24]

/** What can be told before the zygote is started; undefined when nothing speaks against it. */
export function refusePlatform(
  platform = process.platform,
  arch = process.arch,
  version = process.version,
): Refusal | undefined {
  const cure = 'nothing is broken: jobs run through `spawn`; set isolation: spawn in runtime.yml to silence this'
  if (platform !== 'linux' || arch !== 'x64')
    return { reason: `forking is tried on linux x64 only, this is ${platform} ${arch}`, cure }
  if (existsSync('/lib/ld-musl-x86_64.so.1') && !existsSync('/lib64/ld-linux-x86-64.so.2'))
    return { reason: 'forking needs glibc, this system has musl', cure }
  const major = Number(/^v(\d+)/.exec(version)?.[1])
  if (!TRIED_NODE_MAJORS.includes(major))
    return { reason: `forking is tried on Node ${TRIED_NODE_MAJORS.join(', ')}, this is ${version}`, cure }
  return undefined
}

/** Variables under which a fork cannot work. */
export function refuseFlags(env: NodeJS.ProcessEnv): Refusal | undefined {
  const flags = (env.NODE_OPTIONS ?? '').split(/\s+/)
  const hook = flags.find((flag) => /^(--import|--loader|--experimental-loader)\b/.test(flag))
  if (hook)
    return {
      reason: `node runs with ${hook}, which keeps a thread that import() needs and a forked process lacks`,
      cure: `take ${hook} out of NODE_OPTIONS: a TypeScript loader is not needed here, and instrumentation is loaded with --require (dd-trace: --require dd-trace/init) or imported first in config/preload (OpenTelemetry: its NodeSDK, started there)`,
    }
  const inspect = flags.find((flag) => /^--inspect/.test(flag))
  if (inspect) return { reason: `node runs with ${inspect}`, cure: 'debug with isolation: inline' }
  if (env.NODE_V8_COVERAGE) return { reason: 'NODE_V8_COVERAGE is set', cure: 'measure coverage with isolation: spawn' }
  return undefined
}
