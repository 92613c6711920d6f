/**
 * Builds an application in a process of its own: esbuild brings threads and a service process, which must be neither in
 * the zygote nor for long in the supervisor. The order comes as JSON in the first argument, the answer goes to standard
 * output.
 */
import { buildApp, type BuildOrder, type BuiltFiles } from './app-build.ts'

/** The answer. */
export type BuildAnswer = { files: BuiltFiles } | { error: string }

async function answer(): Promise<BuildAnswer> {
  try {
    return { files: await buildApp(JSON.parse(process.argv[2] ?? '{}') as BuildOrder) }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

process.stdout.write(JSON.stringify(await answer()))
