// Systems other than this one: their answers in place of the machine's own, and what must work there all the same.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { EmbeddedRedis } from '../../cli/embedded-redis.ts'
import { onSignals } from '../../cli/signals.ts'
import { machine } from '../../config/machine.ts'
import { silentLogger } from '../../runtime/core/logger.ts'
import { hasEnded, identityOf, sweepOrphans } from '../../runtime/worker/lease/dead-processes.ts'
import { SpawnLauncher } from '../../runtime/worker/launchers/spawn/spawn.ts'
import { MemoryWatch } from '../../runtime/worker/execution/memory-watch.ts'
import { workerSignals } from '../../runtime/worker/signals.ts'
import { leavesNoProcess } from '../support/process.ts'
import { testSignal } from '../support/signal.ts'
import { forkLauncher, launch, resultOf, writeApp } from './fork/support.ts'

leavesNoProcess()

const nowhere = { out: () => undefined, err: () => undefined }
const jobs = `
import { Job } from 'resque-runtime'
export class Works extends Job { async perform() { return 'worked' } }
export class Loops extends Job { async perform() { for (;;); } }`

/** Answers as a system without /proc. */
function pretend(t: TestContext, os: string): void {
  t.mock.method(machine, 'os', () => os)
  for (const name of ['file', 'folder', 'link'] as const) t.mock.method(machine, name, () => undefined)
}

for (const os of ['darwin', 'win32']) {
  describe(`on ${os}`, () => {
    it('jobs are spawned, also where fork was asked for, and a job that loops can be killed', async (t) => {
      pretend(t, os)
      const source = writeApp({ 'src/jobs/all.js': jobs })
      const reasons: string[] = []
      const launcher = forkLauncher(source, {
        onFallback: ({ reason }) => reasons.push(reason),
        fallback: (spares) =>
          new SpawnLauncher({ source, log: silentLogger, spares, bootTimeoutMs: 30_000, passOutput: nowhere }),
      })
      try {
        await launcher.start()
        assert.match(reasons.join(), new RegExp(`linux x64 and arm64 only, this is ${os}`))
        assert.equal(await resultOf(launcher, 'Works'), 'worked')
        const started = testSignal()
        const looping = launch(launcher, 'Loops', [], (message) => message.type === 'started' && started.fire())
        await started.fired
        looping.kill('SIGKILL')
        assert.equal((await looping.ended).signal, 'SIGKILL')
      } finally {
        await launcher.stop()
      }
    })

    it('no process is taken for dead, swept, or watched wrongly where there is no /proc', async (t) => {
      pretend(t, os)
      assert.equal(hasEnded(identityOf(1)), false)
      assert.deepEqual(sweepOrphans(), [])
      const over = testSignal()
      const watch = new MemoryWatch({
        pid: process.pid,
        limitBytes: 1,
        ask: () => undefined,
        onOver: () => over.fire(),
      })
      await over.fired
      watch.stop()
      assert.ok(watch.peakBytes > 1 << 20)
    })
  })
}

describe('on win32', () => {
  it('a worker listens to the signals that Windows has, and not to the others', (t) => {
    pretend(t, 'win32')
    const before = new Set(Object.keys(workerSignals).filter((name) => process.listenerCount(name) > 0))
    const off = onSignals(workerSignals, () => undefined)
    const heard = Object.keys(workerSignals).filter((name) => process.listenerCount(name) > 0 && !before.has(name))
    off()
    assert.deepEqual(heard.sort(), ['SIGHUP', 'SIGINT', 'SIGTERM'])
  })

  it('a private Redis is refused with what to use instead', async (t) => {
    pretend(t, 'win32')
    const root = mkdtempSync(join(tmpdir(), 'resque-runtime-app-'))
    t.after(() => rmSync(root, { recursive: true, force: true }))
    await assert.rejects(new EmbeddedRedis({ root }).start(), /this is Windows; run Redis in Docker or WSL.*REDIS_URL/)
  })
})
