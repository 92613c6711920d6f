import type { Argv, CommandModule } from 'yargs'
import { close } from '../runtime/jobs/default-client.ts'
import { openContext, type Context, type GlobalFlags } from './context.ts'
import { ExitCode, printError } from './output.ts'
import { unreadCure } from '../runtime/store/connection/shown.ts'
import { shownStore } from '../runtime/store/store.ts'
import type { CommandNode } from './usage.ts'

/** What a command says of itself. */
export interface CommandOptions<Flags> {
  /** `list` and its like with positionals, in yargs' form. A command of the first level has both in commands.ts. */
  command?: string | readonly string[]
  describe?: string
  /** A command line that works, and what it does. */
  example: readonly [string, string]
  flags?: (yargs: Argv<GlobalFlags>) => Argv<Flags & GlobalFlags>
  /** Settings that this command's flags stand for. */
  settings?: (argv: Flags & GlobalFlags) => Parameters<typeof openContext>[1]
  /** It only shows: what lies under a key of another type is shown as empty, and said on standard error; then the exit code is 1. */
  shows?: boolean
  /** The log of a command that runs for long; absent: standard error. */
  log?: Parameters<typeof openContext>[2]
  /** @returns the exit code; 0 when nothing is returned */
  run: (context: Context, argv: Flags & GlobalFlags) => Promise<number | undefined | void>
}

/** A command: opens what it needs, runs, lets go of Redis. Throws what went wrong. */
export function command<Flags>(
  options: CommandOptions<Flags>,
): CommandModule<GlobalFlags, Flags & GlobalFlags> & CommandNode {
  return {
    command: options.command,
    example: options.example[0],
    describe: options.describe,
    builder: (yargs) => {
      const built = (options.flags?.(yargs) ?? yargs) as Argv<Flags & GlobalFlags>
      return built.example(`$0 ${options.example[0]}`, options.example[1])
    },
    handler: async (argv) => {
      try {
        const given = argv as unknown as Flags & GlobalFlags
        const context = await openContext(given, options.settings?.(given), options.log)
        const exitCode = await (options.shows
          ? show(context, (shown) => options.run(shown, given))
          : options.run(context, given))
        if (exitCode) throw new ExitCode(exitCode)
      } finally {
        close()
      }
    },
  }
}

/** Runs what only shows; then says which keys it could not read. */
async function show(context: Context, run: (context: Context) => Promise<number | undefined | void>): Promise<number> {
  const unread = new Set<string>()
  const exitCode = await run({ ...context, store: shownStore(context.store, unread) })
  for (const text of unread) printError(`runtime: ${text}; ${unreadCure}`)
  return exitCode || Math.sign(unread.size)
}

/** Commands under one name: `runtime failed …`. */
export function group(
  commands: readonly (CommandModule<GlobalFlags, never> & CommandNode)[],
): CommandModule<GlobalFlags, GlobalFlags> & CommandNode {
  return {
    commands,
    builder: (yargs) => {
      const words = yargs
        .command(commands as unknown as CommandModule[])
        .demandCommand(1)
        .strict()
      return commands.reduce((built, { example }) => built.example(`$0 ${example}`, ''), words)
    },
    handler: () => undefined,
  }
}
