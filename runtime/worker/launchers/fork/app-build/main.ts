/**
 * Builds an application in a process of its own: esbuild brings threads and a service process, which must be neither in
 * the zygote nor for long in the supervisor. The order comes as JSON in the first argument, the answer goes over Node's
 * IPC channel.
 */
import { CannotFork, type Refusal } from '../zygote/core/preflight-platform.ts'
import { buildApp, type BuildOrder, type BuiltFiles } from './app-build.ts'

/** The answer. */
export type BuildAnswer = { files: BuiltFiles } | { refusal: Refusal } | { error: string }

async function answer(): Promise<BuildAnswer> {
  try {
    return { files: await buildApp(JSON.parse(process.argv[2] ?? '{}') as BuildOrder) }
  } catch (error) {
    if (error instanceof CannotFork) return { refusal: error.refusal }
    return { error: (error as Error).message }
  }
}

process.send?.(await answer())
