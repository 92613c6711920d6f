import { RuntimeError } from '../../runtime/core/errors.ts'
import { command } from '../command.ts'
import { explain } from '../../runtime/inspect/doctor/explain.ts'
import { runChecks } from '../../runtime/inspect/doctor/checks.ts'
import { platform } from '../platform.ts'
import { json, line } from '../output.ts'

const marks = { bad: 'BAD ', note: 'note', fine: ' ok ' }

/** `runtime doctor [ID]`, `runtime doctor --platform` */
export const doctorCommand = command<{ id?: string; platform?: boolean }>({
  example: ['doctor 0mb2k3x7f4q8...', 'or a queue, a worker or its pid, a schedule entry, a run, or `leader`'],
  flags: (yargs) =>
    yargs
      .positional('id', { type: 'string', describe: 'ID or name of a job, run, queue, worker or schedule entry' })
      .option('platform', {
        type: 'boolean',
        describe: 'Check this machine: forking, limits, the container, Redis and its settings, clocks',
      })
      .conflicts('platform', 'id'),
  run: async (context, { id, platform: ofMachine }) => {
    const findings = ofMachine
      ? await platform(context)
      : await (id === undefined ? runChecks(context) : explain(id, context))
    if (!findings)
      throw new RuntimeError(
        'ERR_NOT_FOUND',
        `${id}: expected the id or name of a job, run, queue, worker or schedule entry, or \`leader\`; nothing has this name (a schedule entry is known after \`runtime scheduler\` has loaded it; records expire after limits.recordTtlMs; see \`runtime archive show\`)`,
      )
    if (context.json) json(findings)
    else
      for (const { level, what, cure } of findings) {
        line(`[${marks[level]}] ${what}`)
        if (cure !== undefined) line(`       → ${cure}`)
      }
    return findings.some(({ level }) => level === 'bad') ? 1 : 0
  },
})
