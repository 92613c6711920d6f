import { parseLossless } from '../../runtime/core/codec.ts'
import { jsonText } from '../../runtime/core/json-text.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { jobView, runningJob, unknownJob } from '../../runtime/inspect/job.ts'
import { locationLines } from '../../runtime/store/workers/stacks.ts'
import { command, group } from '../command.ts'
import { evidenceRows } from '../../runtime/inspect/evidence.ts'
import { json, line } from '../output.ts'
import { table } from '../table.ts'

const id = { type: 'string', demandOption: true, describe: 'ID of the job' } as const

const show = command<{ id: string }>({
  command: 'show <id>',
  describe: 'Show a job: its record, or what the archive has of it',
  example: ['job show 0mb2k3x7f4q8...', ''],
  flags: (yargs) => yargs.positional('id', id),
  run: async (context, argv) => {
    const { status, item, args, evidence, attempts, log, retried, ...job } = await jobView(context, argv.id)
    const result = job.result === undefined ? undefined : parseLossless(job.result)
    const tried = attempts.length > 0 ? attempts : undefined
    if (context.json) return json({ ...status, item, evidence, attempts: tried, result, retriedAs: retried?.job, log })
    const rows = Object.entries({
      ...status,
      error: status.error && `${status.error.name}: ${status.error.message}`,
      ...(item === undefined ? { class: job.class, args } : { item }),
      result,
      step: job.step && `${job.step.node} of run ${job.step.run}`,
      place: job.place,
      'waits for limit': job.limit?.key,
      retried: retried && `as ${retried.job} at ${new Date(retried.atMs).toISOString()}`,
      'failed list': job.failed && `entry ${job.failed.index}`,
      ...Object.fromEntries(evidenceRows((evidence ?? {}) as Record<string, unknown>)),
      attempts: tried?.length,
    }).filter(([, value]) => value !== undefined)
    table(
      ['field', 'value'],
      rows.map(([key, value]) => [
        key,
        value instanceof Date ? value.toISOString() : typeof value === 'string' ? value : jsonText(value),
      ]),
    )
    for (const text of log) line(text)
  },
})

const stack = command<{ id: string }>({
  command: 'stack <id>',
  describe: 'Print the stack of a running job, or what it waits for',
  example: ['job stack 0mb2k3x7f4q8...', 'asks the worker that runs it, on any machine'],
  flags: (yargs) => yargs.positional('id', id),
  run: async ({ store, json: asJson }, argv) => {
    await runningJob({ store }, argv.id)
    const { pid, where } = await store.stacks.ask(argv.id)
    if (asJson) return json({ id: argv.id, pid, where })
    line(`${argv.id} in process ${pid ?? '?'}, ${locationLines(where).join('\n')}`)
    return where.at === 'unknown' ? 1 : 0
  },
})

const cancel = command<{ id: string }>({
  command: 'cancel <id>',
  describe: 'Cancel a waiting, delayed or running job',
  example: ['job cancel 0mb2k3x7f4q8...', ''],
  flags: (yargs) => yargs.positional('id', id),
  run: async ({ client, json: asJson }, argv) => {
    const handle = client.job(argv.id)
    const before = await handle.status()
    if (before.state === 'unknown') throw unknownJob(argv.id)
    if (!(await handle.cancel()))
      throw new RuntimeError('ERR_STATE', `job ${argv.id}: expected it to wait or run, it is ${before.state}`)
    if (before.state === 'running') await handle.result({ timeout: '1m' }).catch(() => undefined)
    const after = await handle.status()
    if (asJson) json(after)
    else line(`${argv.id} ${after.state}`)
    return after.state === 'cancelled' ? 0 : 1
  },
})

/** `runtime job …` */
export const jobCommand = group([show, stack, cancel] as never)
