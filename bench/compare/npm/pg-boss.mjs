// pg-boss: `pg-boss.mjs produce`, or `pg-boss.mjs work inline CONCURRENCY`. Its worker is woken by NOTIFY, takes a batch of as many
// jobs as may run at a time, and asks for the next batch at once while there is a backlog.
import { PgBoss } from 'pg-boss'
import { note, stay } from '../programs/note.mjs'
import { produce } from '../programs/produce.mjs'

const [role, , concurrency] = process.argv.slice(2)
const boss = new PgBoss({
  connectionString: process.env.BENCH_URL,
  useListenNotify: true,
  monitorIntervalSeconds: 1,
  superviseIntervalSeconds: 1,
  queueCacheIntervalSeconds: 1,
  flowIntervalSeconds: 1,
})
boss.on('error', console.error)
await boss.start()

if (role === 'work') {
  const options = {
    batchSize: Number(concurrency),
    pollingIntervalSeconds: 0.5,
    notifyPollingIntervalSeconds: 0.5,
    burstWhenReadyExceeds: 1,
  }
  await boss.work('bench', options, (jobs) =>
    Promise.all(jobs.map(({ data }) => (data.kind === 'stay' ? stay() : note(data.mark)))),
  )
} else {
  await boss.createQueue('bench', { notify: true })
  const data = ({ kind, mark, payload }) => ({ kind, mark, payload })
  await produce({
    add: (job) =>
      boss.send(
        'bench',
        data(job),
        job.delayMs === undefined ? {} : { startAfter: new Date(Date.now() + job.delayMs) },
      ),
    addMany: (jobs) =>
      boss.insert(
        'bench',
        jobs.map((job) => ({ data: data(job) })),
      ),
    addFlow: (steps) => {
      const refs = Array.from({ length: steps }, (_, n) => `step${n}`)
      const step = { kind: 'note', mark: 'step' }
      return boss.flow([
        ...refs.map((ref) => ({ ref, name: 'bench', data: step })),
        { ref: 'last', name: 'bench', data: { kind: 'note', mark: 'last' }, dependsOn: refs },
      ])
    },
  })
}
