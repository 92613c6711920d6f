// One task, then two beside each other (the second a fifth of a second later), then one after both.
// Needs a worker: `npx resque-runtime work --queues '*'` in this folder, then `node --import tsx main.ts`.
import { chain, close, findRun, group, task, withDelay, workflow } from 'resque-runtime'
import { Task1, Task2, Task3, Task4 } from './jobs/tasks.ts'

const flow = workflow(chain(task(Task1), group(task(Task2, { x: 1 }), withDelay(task(Task3), 200)), task(Task4)), {
  name: 'FourTasks',
})

const run = await findRun(await flow.run())
await run.wait({ timeout: '1 minute' })

const [one, two, three, four] = run.jobs.map(({ class: name, startedAt = 0, endedAt = 0 }) => ({
  name,
  startedAt,
  endedAt,
}))
if (!one || !two || !three || !four) throw new Error(`expected four jobs, the run is ${run.status}`)
for (const { name, startedAt, endedAt } of [one, two, three, four]) {
  console.log(`${name} ${startedAt - one.startedAt} to ${endedAt - one.startedAt} ms`)
}
const proof = {
  'Task2 and Task3 after Task1': two.startedAt >= one.endedAt && three.startedAt >= one.endedAt,
  'Task3 at least 200 ms after Task1': three.startedAt - one.endedAt >= 195,
  'Task4 after both': four.startedAt >= Math.max(two.endedAt, three.endedAt),
}
for (const [what, isTrue] of Object.entries(proof)) console.log(`${what}: ${isTrue}`)
console.log(`${run.status}, Task4 got ${JSON.stringify(await run.output('3'))}`)
if (run.status !== 'finished' || Object.values(proof).includes(false)) process.exitCode = 1
close()
