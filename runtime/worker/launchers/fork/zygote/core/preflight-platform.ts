import { isMusl, machine, majorOf, untestedNode } from '../../../../../../config/machine.ts'

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

const SPAWNED = 'nothing is broken: jobs run through `spawn`; set isolation: spawn in runtime.yml to silence this'

/** What can be checked before the zygote is started; undefined when forking is possible. */
export function refusePlatform(): Refusal | undefined {
  const [os, arch] = [machine.os(), machine.arch()]
  if (os !== 'linux' || (arch !== 'x64' && arch !== 'arm64'))
    return { reason: `forking works on linux x64 and arm64 only, this is ${os} ${arch}`, cure: SPAWNED }
  if (isMusl())
    return {
      reason: 'forking needs glibc, and this Node is built for musl (an Alpine image)',
      cure: `to fork, use an image with glibc, such as node:${nearestMajor()}-slim; ${SPAWNED}`,
    }
  return undefined
}

/** The image to name: of this very major, where forking was tested on it. */
const nearestMajor = (): number => (untestedNode().length === 0 ? majorOf(machine.node()) : 24)

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
  if (inspect) return { reason: `node runs with ${inspect}`, cure: 'debug with runtime work --inspect-jobs' }
  if (env.NODE_V8_COVERAGE) return { reason: 'NODE_V8_COVERAGE is set', cure: 'measure coverage with isolation: spawn' }
  return undefined
}
