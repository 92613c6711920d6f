// Delayed jobs and recurring entries; BullMQ's delayed jobs on the same Redis in the same run.
//   node --conditions=source --import tsx bench/scheduler.ts [--waiting 100000] [--due 20000] [--rate 500] [--seconds 8]
//        [--entries 10000] [--parts waiting,due,late,cron,idle] [--json FILE]
// The figures of docs/scheduler.md: --waiting 1000000 --due 100000 --seconds 30.
import { writeFileSync } from 'node:fs'
import { measureCron, measureIdle } from './scheduler-cron.ts'
import { measureDue, measureLate, measureWaiting } from './scheduler-delayed.ts'
import { measured, server, store, values } from './scheduler-kit.ts'

const parts: Record<string, () => Promise<void>> = {
  waiting: measureWaiting,
  due: measureDue,
  late: measureLate,
  cron: measureCron,
  idle: measureIdle,
}
for (const part of values.parts.split(',')) await parts[part]?.()
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(measured, null, 1)}\n`)
store.close()
await server.stop()
process.exit(0)
