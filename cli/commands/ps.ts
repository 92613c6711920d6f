import { decodeItem } from '../../runtime/core/codec.ts'
import type { JobRecord } from '../../runtime/store/queues/jobs.ts'
import type { StackRequests } from '../../runtime/store/workers/stack-requests.ts'
import { whereText, type Where } from '../../runtime/worker/where/locate.ts'
import { askWhere } from '../../runtime/worker/where/reports.ts'
import { command } from '../command.ts'
import { json, relative } from '../output.ts'
import { table } from '../table.ts'

/** `runtime ps`: supervisors of this runtime, and the jobs in their hands. */
export const psCommand = command<{ stacks: boolean }>({
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
      (await store.supervisors.list()).map(async (info) => {
        const held = [...(await store.supervisors.inflight(info.id)).keys()]
        const jobs = await Promise.all(
          held.map(async (id) => {
            const record: Partial<JobRecord> = (await store.jobs.find(id)) ?? {}
            const where = stacks ? { where: await whereIs(store.stacks, id) } : {}
            return { ...record, id, class: record.class ?? classOf(record.item), ...where }
          }),
        )
        return { ...info, jobs }
      }),
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
        ...(job.where === undefined ? [] : [['', '', '', '', whereText(job.where)]]),
      ]),
    ])
    table(['process', 'id', 'what', 'queues', 'state'], rows)
  },
})

/** The class of a job that Ruby or another client enqueued: its record has none, its payload has. */
function classOf(item = ''): string | undefined {
  const read = decodeItem(item)
  return 'garbage' in read ? undefined : read.className
}

/** A job that ends meanwhile, and a worker that does not answer, must not spoil the list. */
async function whereIs(stacks: StackRequests, id: string): Promise<Where> {
  return askWhere(stacks, id).then(
    ({ where }) => where,
    (error: Error): Where => ({ at: 'unknown', reason: error.message }),
  )
}
