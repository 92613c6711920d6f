// What running jobs and the zygote use, in the record of their worker.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { systemClock, type Clock } from '../../runtime/core/clock.ts'
import { silentLogger } from '../../runtime/core/logger.ts'
import { runningSupervisors, usageOf, zygoteOf } from '../../runtime/inspect/running.ts'
import type { Launcher } from '../../runtime/worker/launchers/launcher.ts'
import { Figures } from '../../runtime/worker/execution/figures.ts'
import type { JobRun } from '../../runtime/worker/execution/job-run.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { useStore } from './support.ts'

const server = useRedis()
const to = useStore(server)

/** Time passes a hundred times as fast. */
const hurried: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 100, signal) }

it('running jobs are measured from the second look on, at most a hundred of them, and ended ones are gone', async () => {
  const { store } = to
  await store.supervisors.register('s', ['h:1:q'], {}, 60_000)
  let jobs = Array.from({ length: 150 }, (_, i) => ({ job: { id: `j${i}` }, pid: process.pid }))
  const zygote = { pid: process.pid, startedAtMs: 1e12, generation: 3, restarts: 1, forked: 150 }
  const figures = new Figures({
    ...{ store, clock: hurried, log: silentLogger, supervisorId: () => 's' },
    jobs: () => jobs as unknown as JobRun[],
    launcher: { zygote } as unknown as Launcher,
  })
  await figures.start()
  try {
    const seen = async () => runningSupervisors({ store })
    await eventually(async () => usageOf(await seen()).size === 100)
    const [first] = await seen()
    const { rssBytes = 0, cpuPercent = -1 } = usageOf(await seen()).get('j0') ?? {}
    assert.ok(rssBytes > 1_000_000 && cpuPercent >= 0, `${rssBytes}, ${cpuPercent}`)
    assert.ok(((first && zygoteOf(first)?.rssBytes) ?? 0) > 1_000_000)
    assert.deepEqual({ ...(first && zygoteOf(first)), rssBytes: 0 }, { ...zygote, rssBytes: 0 })
    assert.ok((first?.about['usage']?.length ?? 0) < 5000)
    jobs = []
    await eventually(async () => usageOf(await seen()).size === 0)
  } finally {
    await figures.stop()
  }
})
