// The chaos test for as long as you like:
//   script/build && node --conditions=source --import tsx bench/chaos.ts --minutes 10 --seed 7 [--jobs 50000] [--every 250] [--isolations fork,spawn,inline]
// `fork*100` runs a hundred jobs in a process.
// Ends with 1 when an invariant broke. The same seed deals the same blows; when they fall depends on the machine.
import { parseArgs } from 'node:util'
import { chaos } from '../test/chaos/run.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '1000000' },
    every: { type: 'string', default: '250' },
    isolations: { type: 'string', default: 'fork,spawn,inline' },
  },
})
const startedAt = performance.now()
const report = await chaos({
  seed: Number(values.seed),
  forMs: Number(values.minutes) * 60_000,
  jobs: Number(values.jobs),
  blowEveryMs: Number(values.every),
  isolations: values.isolations.split(','),
  settleMs: 60_000,
  say: (line) => console.error(line),
})
const kills = Object.values(report.blows).reduce((sum, count) => sum + count, 0)
console.log(
  JSON.stringify(
    {
      seconds: Math.round((performance.now() - startedAt) / 1000),
      kills,
      ...report,
      broken: report.broken.slice(0, 20),
    },
    null,
    2,
  ),
)
process.exit(report.broken.length === 0 ? 0 : 1)
