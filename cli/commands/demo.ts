import type { CommandModule } from 'yargs'
import { findAppRoot } from '../../config/environment.ts'
import { RuntimeError, toError } from '../../runtime/core/errors.ts'
import { close } from '../../runtime/jobs/default-client.ts'
import type { GlobalFlags } from '../context.ts'
import { Demo } from '../demo/demo.ts'
import {
  type DemoJob,
  type DemoJobEnd,
  endOf,
  countDemoJobs,
  enqueueDemoJobs,
  type DemoContext,
} from '../demo/demo-jobs.ts'
import { report, printError, line } from '../output.ts'
import { onSignals } from '../signals.ts'
import { table } from '../table.ts'
import { SingleBar } from 'cli-progress'
import { plural } from '../../runtime/core/plural.ts'

interface DemoFlags extends GlobalFlags {
  isolation?: 'fork' | 'spawn'
}

/** The demo was interrupted (Ctrl-C or SIGTERM): it ends without a message. */
class Interrupted extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super('interrupted')
    this.exitCode = exitCode
  }
}

/** `runtime demo`: real jobs in real processes, on a Redis of its own; takes none of the application's settings. */
export const demoCommand: CommandModule<GlobalFlags, DemoFlags> = {
  builder: (yargs) =>
    yargs
      .option('isolation', { choices: ['fork', 'spawn'] as const, describe: 'How job processes are created' })
      .example('$0 demo', 'needs no Redis, no port and no application'),
  handler: async ({ isolation, redis }) => {
    const demo = new Demo(findAppRoot(process.cwd()))
    const interrupted = new Promise<never>((_, reject) => {
      const off = onSignals({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }, (exitCode) => {
        off()
        reject(new Interrupted(exitCode))
      })
    })
    interrupted.catch(() => undefined)
    let exitCode: number
    try {
      if (redis !== undefined)
        throw new RuntimeError('ERR_USAGE', 'the demo runs on a Redis of its own: leave --redis out')
      exitCode = await Promise.race([perform(demo, isolation), demo.broken, interrupted])
    } catch (error) {
      exitCode = error instanceof Interrupted ? error.exitCode : report(error)
    } finally {
      close()
      await demo.stop()
    }
    // After an interruption the script's waits may still be under way.
    process.exit(exitCode)
  },
}

async function perform(demo: Demo, isolation: string | undefined): Promise<number> {
  const startedAt = performance.now()
  const context = await demo.start(isolation)
  const { redis, work, scheduler, launcher } = await demo.processes()
  line(`redis-server ${redis}, runtime work ${work} (${launcher}: one process a job), runtime scheduler ${scheduler}`)
  const total = await countDemoJobs(context)
  const { outcomes, missing } = await watch(context, total)
  showOutcomes(outcomes)
  const problems = [...missing, ...problemsOf(outcomes, total)]
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  line(
    `${plural(outcomes.length, 'job')}, ${plural(new Set(outcomes.map(({ end }) => end.pid)).size, 'process', 'processes')}, ${seconds} s`,
  )
  line(`the report: ${context.page}`)
  line(`the application: ${demo.folder}/app   its log: ${demo.folder}/log`)
  for (const problem of problems) printError(`runtime: demo: ${problem}`)
  line(problems.length === 0 ? 'every job ended as it should' : 'not every job ended as it should')
  return problems.length === 0 ? 0 : 1
}

/** Plays the script and follows every job to its end. @returns outcomes in the order in which the jobs were enqueued */
async function watch(context: DemoContext, total: number): Promise<{ outcomes: JobOutcome[]; missing: string[] }> {
  const progress = showProgress(total)
  const following: Promise<JobOutcome>[] = []
  const follow = async (job: DemoJob): Promise<JobOutcome> => {
    const record = await context.client.store.jobs.waitForEnd(job.id, 60_000)
    if (!record) throw new RuntimeError('ERR_STATE', `${job.name}: its record is gone`)
    const outcome = judgeJob(job, endOf(record))
    progress.step(`${job.name} ${outcome.end.pid}: ${outcome.end.ending}`)
    return outcome
  }
  try {
    const missing = await enqueueDemoJobs(context, (job) => {
      const followed = follow(job)
      followed.catch(() => undefined)
      following.push(followed)
    })
    return { outcomes: await Promise.all(following), missing }
  } finally {
    progress.stop()
  }
}

/** A job of the demo that is over, and whether it went as it should. */
interface JobOutcome {
  job: DemoJob
  end: DemoJobEnd
  /** What the table says of it. */
  said: string
  ok: boolean
}

/** Holds an end against what was expected. */
function judgeJob(job: DemoJob, end: DemoJobEnd): JobOutcome {
  if (end.ending !== job.expected)
    return { job, end, ok: false, said: `expected ${job.expected}; ${end.error === ': ' ? '' : end.error}` }
  try {
    return { job, end, ok: true, said: job.tell(end) }
  } catch (error) {
    return { job, end, ok: false, said: toError(error).message }
  }
}

/** The demo's table. */
function showOutcomes(outcomes: readonly JobOutcome[]): void {
  table(
    ['job', 'pid', 'end', 'what happened', 'as expected'],
    [...outcomes]
      .sort((a, b) => a.job.row - b.job.row)
      .map(({ job, end, said, ok }) => [job.name, end.pid, end.ending, said, ok ? 'yes' : 'NO']),
  )
}

/** What is wrong with all of them together: nothing, or a sentence each. */
function problemsOf(outcomes: readonly JobOutcome[], total: number): string[] {
  const pids = new Set(outcomes.map(({ end }) => end.pid))
  const wrong = outcomes.filter(({ ok }) => !ok).map(({ job, said }) => `${job.name}: ${said}`)
  return [
    ...wrong,
    ...(outcomes.length === total ? [] : [`expected ${total} jobs, saw the end of ${outcomes.length}`]),
    ...(pids.size === outcomes.length ? [] : [`expected a process each, saw ${pids.size} for ${outcomes.length} jobs`]),
  ]
}

/** Shows how far the demo is. */
interface Progress {
  /** One more job has ended. */
  step(what: string): void
  stop(): void
}

/** A bar on a terminal, a line a job in a pipe. */
function showProgress(total: number): Progress {
  if (!process.stdout.isTTY) {
    let count = 0
    return { step: (what) => line(`${String((count += 1)).padStart(3)}/${total}  ${what}`), stop: () => undefined }
  }
  const bar = new SingleBar({
    format: '{bar} {value}/{total} jobs  {what}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
    fps: 20,
  })
  bar.start(total, 0, { what: '' })
  return { step: (what) => bar.increment(1, { what }), stop: () => bar.stop() }
}
