import type { JobRecord } from '../../runtime/store/queues/jobs.ts'
import { command } from '../command.ts'
import { json, relative, table } from '../output.ts'

/** `runtime ps`: supervisors of this runtime, and the jobs in their hands. */
export const psCommand = command({
  command: 'ps',
  describe: 'List supervisors and their job processes',
  example: ['ps', ''],
  run: async ({ store, json: asJson }) => {
    const now = Date.now()
    const supervisors = await Promise.all(
      (await store.supervisors.list()).map(async (info) => {
        const held = [...(await store.supervisors.inflight(info.id)).keys()]
        const jobs = await Promise.all(
          held.map(async (id) => {
            const record: Partial<JobRecord> = (await store.jobs.find(id)) ?? {}
            return { ...record, id }
          }),
        )
        return { ...info, jobs }
      }),
    )
    if (asJson) return json(supervisors)
    const rows = supervisors.flatMap(({ id, leaseEndsAtMs, about, jobs }) => [
      [
        `${about['host'] ?? '?'}:${about['pid'] ?? '?'}`,
        id,
        about['launcher'] ?? '-',
        about['queues'] ?? '',
        leaseEndsAtMs > now ? `lease ends ${relative(leaseEndsAtMs, now)}` : 'dead',
      ],
      ...jobs.map((job) => [
        `└ ${job['pid'] ?? '-'}`,
        job.id,
        job.class ?? '-',
        job.queue ?? '',
        `since ${job.run_at ? relative(Number(job.run_at), now) : '?'}`,
      ]),
    ])
    table(['process', 'id', 'what', 'queues', 'state'], rows)
  },
})
