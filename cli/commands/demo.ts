import type { CommandModule } from 'yargs'
import { findAppRoot } from '../../config/app-root.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { close } from '../../runtime/jobs/default-client.ts'
import type { GlobalFlags } from '../context.ts'
import { Demo } from '../demo/demo.ts'
import { judgePart, problemsOf, showOutcomes, type PartOutcome } from '../demo/outcome.ts'
import { readEnd, type Part } from '../demo/part.ts'
import { showProgress } from '../demo/progress.ts'
import { countParts, play, type Stage } from '../demo/script.ts'
import { report } from '../errors.ts'
import { complain, line } from '../output.ts'
import { onSignals } from '../run-service.ts'

interface DemoFlags extends GlobalFlags {
  isolation?: 'fork' | 'spawn'
}

/** Somebody wants the demo to end; needs no words. */
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
  const stage = await demo.start(isolation)
  const { redis, work, scheduler, launcher } = await demo.processes()
  line(`redis-server ${redis}, runtime work ${work} (${launcher}: one process a job), runtime scheduler ${scheduler}`)
  const total = await countParts(stage)
  const { outcomes, missing } = await watch(stage, total)
  showOutcomes(outcomes)
  const problems = [...missing, ...problemsOf(outcomes, total)]
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  line(`${outcomes.length} jobs, ${new Set(outcomes.map(({ end }) => end.pid)).size} processes, ${seconds} s`)
  line(`the report: ${stage.page}`)
  line(`the application: ${demo.folder}/app   its log: ${demo.folder}/log`)
  for (const problem of problems) complain(`runtime: demo: ${problem}`)
  line(problems.length === 0 ? 'every job ended as it should' : 'not every job ended as it should')
  return problems.length === 0 ? 0 : 1
}

/** Plays the script and follows every job to its end. @returns outcomes in the order in which the jobs were enqueued */
async function watch(stage: Stage, total: number): Promise<{ outcomes: PartOutcome[]; missing: string[] }> {
  const progress = showProgress(total)
  const following: Promise<PartOutcome>[] = []
  const follow = async (part: Part): Promise<PartOutcome> => {
    const record = await stage.client.store.jobs.waitForEnd(part.id, 60_000)
    if (!record) throw new RuntimeError('ERR_STATE', `${part.name}: its record is gone`)
    const outcome = judgePart(part, readEnd(record))
    progress.step(`${part.name} ${outcome.end.pid}: ${outcome.end.ending}`)
    return outcome
  }
  try {
    const missing = await play(stage, (part) => {
      const followed = follow(part)
      followed.catch(() => undefined)
      following.push(followed)
    })
    return { outcomes: await Promise.all(following), missing }
  } finally {
    progress.stop()
  }
}
