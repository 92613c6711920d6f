import { totals } from '../../runtime/inspect/overview.ts'
import { command } from '../command.ts'
import { json } from '../output.ts'
import { table } from '../table.ts'

/** `runtime stats`: Resque's own figures, and how many jobs wait. */
export const statsCommand = command({
  shows: true,
  example: ['stats', ''],
  run: async (context) => {
    const stats = await totals(context)
    if (context.json) return json(stats)
    table(['figure', 'value'], Object.entries(stats))
  },
})
