import yargs, { type Argv, type CommandModule } from 'yargs'
import { RuntimeError } from '../runtime/core/errors.ts'
import { version } from '../runtime/core/package.ts'
import { commands } from './commands.ts'
import { ExitCode, report, output, showWide, writeTo, type Output } from './output.ts'
import { checkValues, joinNegatives, usageProblem, nameOf, type CommandNode, type KnownOptions } from './usage.ts'

/**
 * Runs a command.
 * @param argv the words after `runtime`
 * @param to where it writes; commands that start processes, such as `work`, write to this process's streams
 * @returns the exit code
 */
export async function main(argv: readonly string[], to: Output = process): Promise<number> {
  writeTo(to)
  const words = joinNegatives(argv)
  try {
    const tree = await loadNamed(words)
    let text = ''
    await parser(words, tree).parseAsync(words, {}, (_error, _argv, printed) => {
      text = printed
    })
    if (text !== '') output().stdout.write(`${text}\n`)
    return 0
  } catch (error) {
    return error instanceof ExitCode ? error.exitCode : report(error)
  }
}

/** Without the words of another program, which follow `--`. */
const beforeProgram = (words: readonly string[]): readonly string[] =>
  words.includes('--') ? words.slice(0, words.indexOf('--')) : words

/** All commands, and the code of those that the words may name. */
async function loadNamed(words: readonly string[]): Promise<CommandNode[]> {
  return Promise.all(
    commands.map(async ({ load, ...entry }) =>
      words.includes(nameOf(entry)) ? { ...(await load()), ...entry } : entry,
    ),
  )
}

function parser(words: readonly string[], tree: readonly CommandNode[]): Argv {
  const cli: Argv = yargs()
    .scriptName('runtime')
    .usage('$0 <command>\n\nForking workers and a scheduler on Redis, in the wire format of Resque.')
    .option('redis', { type: 'string', describe: 'Redis to use: redis://, rediss:// or unix:///path', global: true })
    .option('namespace', { type: 'string', describe: 'Prefix of all keys (resque)', global: true })
    .option('config', { type: 'string', describe: 'Settings file (config/runtime.yml)', global: true })
    .option('log-level', {
      choices: ['debug', 'info', 'warn', 'error', 'silent'],
      describe: 'Log level',
      global: true,
    })
    .option('json', { type: 'boolean', describe: 'Print JSON (commands that read data)', global: true })
    .option('wide', {
      type: 'boolean',
      describe: 'Show all columns of tables, even if they do not fit the terminal',
      global: true,
    })
    .middleware((argv) => showWide(argv['wide'] === true))
    .command(tree as unknown as CommandModule[])
    .demandCommand(1)
    .check((argv, options) => checkValues(argv, beforeProgram(words), options as unknown as KnownOptions))
    .strict()
    .version(version)
    .wrap(Math.min(120, output().stdout.columns ?? 120))
    .example('$0 enqueue ReminderJob \'"u1"\' --wait', 'runs a job and prints its result')
    .fail((message, error) => {
      // A YError is yargs' own, about the command line.
      if (error && error.name !== 'YError') throw error
      const known = (cli as unknown as { getOptions(): KnownOptions }).getOptions()
      throw new RuntimeError('ERR_USAGE', usageProblem(message, words, tree, known))
    })
  return cli
}
