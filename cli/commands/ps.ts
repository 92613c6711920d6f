import { relative } from '../../runtime/core/duration.ts'
import { runningSupervisors } from '../../runtime/inspect/running.ts'
import { type StackRequests, locationText, type JobLocation } from '../../runtime/store/workers/stacks.ts'
import { command } from '../command.ts'
import { json } from '../output.ts'
import { table } from '../table.ts'

/** `runtime ps`: supervisors of this runtime, and the jobs in their hands. */
export const psCommand = command<{ stacks: boolean }>({
  shows: true,
  example: ['ps --stacks', 'and the stack position of each job'],
  flags: (yargs) =>
    yargs.option('stacks', {
      type: 'boolean',
      default: false,
      describe: 'Ask each running job where it is: its innermost frame, or what it waits for',
    }),
  run: async ({ store, json: asJson }, { stacks }) => {
    const now = Date.now()
    const supervisors = await Promise.all(
      (await runningSupervisors({ store })).map(async ({ busy: _, jobs, ...info }) => ({
        ...info,
        jobs: await Promise.all(
          jobs.map(async (job) => ({ ...job, ...(stacks ? { where: await whereIs(store.stacks, job.id) } : {}) })),
        ),
      })),
    )
    if (asJson) return json(supervisors)
    const rows = supervisors.flatMap(({ id, leaseEndsAtMs, about, jobs }) => [
      [
        `${about['name'] === undefined ? '' : `${about['name']} `}${about['host'] ?? '?'}:${about['pid'] ?? '?'}`,
        id,
        about['launcher'] ?? '-',
        about['queues'] ?? '',
        leaseEndsAtMs > now ? `lease ends ${relative(leaseEndsAtMs, now)}` : 'dead',
      ],
      ...jobs.flatMap((job) => [
        [
          `└ ${job['pid'] ?? '-'}`,
          job.id,
          job.class ?? '-',
          job.queue ?? '',
          `since ${job.run_at ? relative(Number(job.run_at), now) : '?'}`,
        ],
        ...(job.where === undefined ? [] : [['', '', '', '', locationText(job.where)]]),
      ]),
    ])
    table(['process', 'id', 'what', 'queues', 'state'], rows)
  },
})

/** A job that ends meanwhile, and a worker that does not answer, must not spoil the list. */
async function whereIs(stacks: StackRequests, id: string): Promise<JobLocation> {
  return stacks.ask(id).then(
    ({ where }) => where,
    (error: Error): JobLocation => ({ at: 'unknown', reason: error.message }),
  )
}
