import type { CommandModule } from 'yargs'
import type { CommandNode } from './usage.ts'

/** A command's code: what {@link CommandEntry} says of it comes on top. */
export type LoadedCommand = Pick<CommandModule, 'builder' | 'handler'> & Pick<CommandNode, 'example' | 'commands'>

/** A command that is loaded when it is asked for: most of the time that a command takes is the loading of code. */
export interface CommandEntry {
  /** In the form of yargs: its name and its positionals. */
  command: string
  /** Its line in `runtime --help`. */
  describe: string
  load: () => Promise<LoadedCommand>
}

const entry = (command: string, describe: string, load: () => Promise<object>): CommandEntry => ({
  command,
  describe,
  load: load as () => Promise<LoadedCommand>,
})

/** In the order of `--help`: to begin with, to run, to look at. */
export const commands: readonly CommandEntry[] = [
  entry('demo', 'Watch real jobs import, report, crash, hang and leak, in processes of their own', () =>
    import('./commands/demo.ts').then((module) => module.demoCommand),
  ),
  entry('init', 'Create an application: jobs, a workflow, a schedule, a test, settings, Dockerfile', () =>
    import('./commands/init.ts').then((module) => module.initCommand),
  ),
  entry(
    'dev [program..]',
    'Run a private Redis, a worker, a scheduler and the dashboard; reload the application when its code changes',
    () => import('./commands/dev.ts').then((module) => module.devCommand),
  ),
  entry('work', 'Run a worker: reserve jobs and run each in a process of its own', () =>
    import('./commands/work.ts').then((module) => module.workCommand),
  ),
  entry(
    'scheduler',
    'Move due delayed jobs to their queues and fire recurring jobs; of several schedulers, one leads',
    () => import('./commands/scheduler.ts').then((module) => module.schedulerCommand),
  ),
  entry('web', 'Run the dashboard: queues, jobs, workers and problems in a browser, with actions to fix them', () =>
    import('./commands/web.ts').then((module) => module.webCommand),
  ),
  entry('enqueue <class> [args..]', 'Enqueue a job, now or later', () =>
    import('./commands/enqueue.ts').then((module) => module.enqueueCommand),
  ),
  entry('queues <command>', 'List queues; pause, resume or clear a queue', () =>
    import('./commands/queues.ts').then((module) => module.queuesCommand),
  ),
  entry('workers', 'List workers, including Ruby workers, and their current jobs', () =>
    import('./commands/workers.ts').then((module) => module.workersCommand),
  ),
  entry('ps', 'List supervisors and their job processes', () =>
    import('./commands/ps.ts').then((module) => module.psCommand),
  ),
  entry('top', 'Show queues, running jobs and failures live; keys pause, retry and cancel', () =>
    import('./commands/top.ts').then((module) => module.topCommand),
  ),
  entry('stats', 'Show the numbers of waiting, running, processed and failed jobs', () =>
    import('./commands/stats.ts').then((module) => module.statsCommand),
  ),
  entry(
    'doctor [id]',
    'Diagnose problems and suggest fixes. Given the ID or name of a job, run, queue, worker or schedule entry, explain its state and why it is not progressing.',
    () => import('./commands/doctor.ts').then((module) => module.doctorCommand),
  ),
  entry(
    'health',
    'For probes: exit with 0 if Redis answers and the given worker or scheduler is ready, else with 1',
    () => import('./commands/health.ts').then((module) => module.healthCommand),
  ),
  entry('job <command>', 'Show a job, print its stack, or cancel it', () =>
    import('./commands/job.ts').then((module) => module.jobCommand),
  ),
  entry('failed <command>', 'Failed jobs: list, show, retry, remove, clear', () =>
    import('./commands/failed.ts').then((module) => module.failedCommand),
  ),
  entry('delayed <command>', 'Delayed jobs: list, remove, run now', () =>
    import('./commands/delayed.ts').then((module) => module.delayedCommand),
  ),
  entry('schedule <command>', 'Recurring jobs: check, list, next, missed, run, pause, resume, enable, disable', () =>
    import('./commands/schedule.ts').then((module) => module.scheduleCommand),
  ),
  entry('limits <command>', 'Concurrency and rate limits, and unique locks: list, release', () =>
    import('./commands/limits.ts').then((module) => module.limitsCommand),
  ),
  entry('workflow <command>', 'Create, run, watch and repair workflows', () =>
    import('./commands/workflow.ts').then((module) => module.workflowCommand),
  ),
  entry('pipeline <command>', 'Load, run, watch and repair pipelines', () =>
    import('./commands/pipeline.ts').then((module) => module.pipelineCommand),
  ),
  entry('template <command>', 'List, show and run templates', () =>
    import('./commands/template.ts').then((module) => module.templateCommand),
  ),
  entry('archive <command>', 'Search what has ended; its statistics; prune, migrate', () =>
    import('./commands/archive.ts').then((module) => module.archiveCommand),
  ),
  entry('docs [topic..]', 'Print where the documentation is; with a topic, the pages about it', () =>
    import('./commands/docs.ts').then((module) => module.docsCommand),
  ),
]
