import yargs, { type CommandModule } from 'yargs'
import { hideBin } from 'yargs/helpers'
import { version } from '../runtime/worker/titles.ts'
import { leaveWithOwner } from './child-command.ts'
import { report } from './errors.ts'
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
import { workCommand } from './commands/work.ts'
import { workersCommand } from './commands/workers.ts'
import { workflowCommand } from './commands/workflow.ts'

/** In the order of `--help`: to begin with, to run, to look at. */
const commands: readonly unknown[] = [
  demoCommand,
  initCommand,
  devCommand,
  workCommand,
  schedulerCommand,
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

const cli = yargs(hideBin(process.argv))
  .scriptName('runtime')
  .usage('$0 <command>\n\nForking workers and a scheduler on Redis, in the wire format of Resque.')
  .option('redis', { type: 'string', describe: 'Redis to use: redis://, rediss:// or unix:///path', global: true })
  .option('namespace', { type: 'string', describe: 'Prefix of all keys (resque)', global: true })
  .option('config', { type: 'string', describe: 'Settings file (config/runtime.yml)', global: true })
  .option('log-level', {
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    describe: 'How much to log',
    global: true,
  })
  .option('json', { type: 'boolean', describe: 'Print JSON (commands that read)', global: true })
  .command(commands as CommandModule[])
  .demandCommand(1, 'expected a command; see runtime --help')
  .recommendCommands()
  .strict()
  .version(version)
  .wrap(Math.min(120, process.stdout.columns ?? 120))
  .fail((message, error) => {
    if (error) process.exit(report(error))
    process.stderr.write(`runtime: ${message.replace(/\s*\n\s*/g, ' ').trim()}\n`)
    process.exit(2)
  })

leaveWithOwner()
await cli.parseAsync()
