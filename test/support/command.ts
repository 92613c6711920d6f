import { main } from '../../cli/main.ts'
import { environmentFor, ROOT, runCli, type Exit, type ProcessOptions } from './process.ts'

// Runs with the TypeScript loader: the command loads the application into this process, from source.
let before: Promise<unknown> = Promise.resolve()

/** These run until they are stopped, or end their process. */
const IS_A_PROCESS = /^(demo|dev|scheduler|work|--watch)$/

/**
 * Runs `runtime …` in this process, from source, which takes a tenth of a process's time: for what a command prints and
 * returns. Those that are a process by nature are one here, too. Folder, environment and output belong to the process,
 * so one command waits for the one before.
 */
export function runCommand(args: readonly string[], options: ProcessOptions = {}): Promise<Exit> {
  return args.some((word) => IS_A_PROCESS.test(word)) ? runCli(args, options) : runHere(args, options)
}

/** As {@link runCommand}, for any command that is refused before it starts something. */
export function runHere(args: readonly string[], options: ProcessOptions = {}): Promise<Exit> {
  const exit = before.then(() => run(args, options))
  before = exit.catch(() => undefined)
  return exit
}

async function run(args: readonly string[], { cwd = ROOT, env }: ProcessOptions): Promise<Exit> {
  const out = { stdout: '', stderr: '' }
  const writer = (name: keyof typeof out) => ({ write: (text: string) => (out[name] += text) })
  const [folder, outer] = [process.cwd(), { ...process.env }]
  try {
    process.chdir(cwd)
    replaceEnvironment(environmentFor(env))
    const exitCode = await main(args, { stdout: writer('stdout'), stderr: writer('stderr') })
    return { exitCode, signal: null, ...out }
  } finally {
    replaceEnvironment(outer)
    process.chdir(folder)
  }
}

function replaceEnvironment(next: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (!(name in next)) delete process.env[name]
  Object.assign(process.env, next)
}
