import { didYouMean } from '../../config/did-you-mean.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { command, group } from '../command.ts'
import { json, line } from '../output.ts'
import { table } from '../table.ts'

const list = command({
  command: ['list', '$0'],
  describe: 'List queues and the number of waiting jobs',
  example: ['queues', 'all queues'],
  run: async ({ store, json: asJson }) => {
    const [sizes, paused] = await Promise.all([store.queues.sizes(), store.queues.paused()])
    const rows = [...sizes].map(([name, size]) => ({ name, size, paused: paused.includes(name) }))
    if (asJson) return json(rows)
    table(
      ['queue', 'waiting', 'state'],
      rows.map((row) => [row.name, row.size, row.paused ? 'paused' : 'open']),
    )
  },
})

const pause = command<{ name: string }>({
  command: 'pause <name>',
  describe: 'Pause a queue on all workers',
  example: ['queues pause low', 'workers reserve no jobs from low until it is resumed'],
  flags: (yargs) => yargs.positional('name', { type: 'string', demandOption: true }),
  run: async ({ store }, { name }) => {
    const names = await store.queues.names()
    await store.queues.setPaused(name, true)
    const note = `; nothing was ever put on a queue of this name${didYouMean(name, names)}`
    line(`paused ${name}${names.includes(name) ? '' : note}`)
  },
})

const resume = command<{ name: string }>({
  command: 'resume <name>',
  describe: 'Resume a paused queue',
  example: ['queues resume low', ''],
  flags: (yargs) => yargs.positional('name', { type: 'string', demandOption: true }),
  run: async ({ store }, { name }) => {
    const paused = await store.queues.paused()
    if (!paused.includes(name)) {
      const which = paused.length === 0 ? 'none is' : `paused are ${paused.join(', ')}`
      throw new RuntimeError('ERR_STATE', `queue ${name}: expected a paused queue, it is not; ${which}`)
    }
    await store.queues.setPaused(name, false)
    line(`resumed ${name}`)
  },
})

const clear = command<{ name: string }>({
  command: 'clear <name>',
  describe: 'Remove a queue and cancel its waiting jobs',
  example: ['queues clear low', 'workflow runs that wait for one of these jobs fail, and can be continued'],
  flags: (yargs) => yargs.positional('name', { type: 'string', demandOption: true }),
  run: async ({ store, config }, { name }) => {
    const names = await store.queues.names()
    const removed = await store.queues.remove(name, Date.now(), config.limits.recordTtlMs)
    if (removed === 0 && !names.includes(name)) {
      const which = names.length === 0 ? 'a queue, and there is none' : `one of ${names.join(', ')}`
      throw new RuntimeError('ERR_NOT_FOUND', `queue ${name}: expected ${which}${didYouMean(name, names)}`)
    }
    line(`removed ${removed} jobs`)
  },
})

/** `runtime queues …` */
export const queuesCommand = group([list, pause, resume, clear] as never)
