import yargs, { type Argv, type CommandModule } from 'yargs'
import { hideBin } from 'yargs/helpers'
import { RuntimeError } from '../runtime/core/errors.ts'
import { version } from '../runtime/worker/titles.ts'
import { leaveWithOwner } from './child-command.ts'
import { report } from './errors.ts'
import { showWide } from './output.ts'
import { checkValues, joinNegatives, misuse, type CommandNode, type KnownOptions } from './usage.ts'
import { archiveCommand } from './commands/archive.ts'
import { demoCommand } from './commands/demo.ts'
import { devCommand } from './commands/dev.ts'
import { enqueueCommand } from './commands/enqueue.ts'
import { delayedCommand } from './commands/delayed.ts'
import { failedCommand } from './commands/failed.ts'
import { initCommand } from './commands/init.ts'
import { jobCommand } from './commands/job.ts'
import { pipelineCommand } from './commands/pipeline.ts'
import { psCommand } from './commands/ps.ts'
import { queuesCommand } from './commands/queues.ts'
import { scheduleCommand } from './commands/schedule.ts'
import { schedulerCommand } from './commands/scheduler.ts'
import { doctorCommand } from './commands/doctor.ts'
import { statsCommand } from './commands/stats.ts'
import { templateCommand } from './commands/template.ts'
import { webCommand } from './commands/web.ts'
import { workCommand } from './commands/work.ts'
import { workersCommand } from './commands/workers.ts'
import { workflowCommand } from './commands/workflow.ts'

/** In the order of `--help`: to begin with, to run, to look at. */
const commands: readonly (CommandNode & { command?: CommandModule['command'] })[] = [
  demoCommand,
  initCommand,
  devCommand,
  workCommand,
  schedulerCommand,
  webCommand,
  enqueueCommand,
  queuesCommand,
  workersCommand,
  psCommand,
  statsCommand,
  doctorCommand,
  jobCommand,
  failedCommand,
  delayedCommand,
  scheduleCommand,
  workflowCommand,
  pipelineCommand,
  templateCommand,
  archiveCommand,
]

const words = joinNegatives(hideBin(process.argv))
const cli: Argv = yargs(words)
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
  .command(commands as CommandModule[])
  .demandCommand(1)
  .check((argv, options) => checkValues(argv, words, options as unknown as KnownOptions))
  .strict()
  .version(version)
  .wrap(Math.min(120, process.stdout.columns ?? 120))
  .example('$0 enqueue ReminderJob \'"u1"\' --wait', 'runs a job and prints its result')
  .fail((message, error) => {
    // A YError is yargs' own, about the command line.
    if (error && error.name !== 'YError') process.exit(report(error))
    const known = (cli as unknown as { getOptions(): KnownOptions }).getOptions()
    process.exit(report(new RuntimeError('ERR_USAGE', misuse(message, words, commands, known))))
  })

// A reader may leave before the end (`| head`); a worker goes on without one.
process.stdout.on('error', () => undefined)
process.stderr.on('error', () => undefined)

leaveWithOwner()
await cli.parseAsync()
