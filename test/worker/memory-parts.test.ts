// The memory of a job: how it is watched, what its process says of it, and how its heap is written down.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { ChildMessage } from '../../runtime/messages.ts'
import { describeMemory } from '../../runtime/worker/child/memory-figures.ts'
import { HeapSnapshots } from '../../runtime/worker/execution/heap-snapshots.ts'
import { MemoryWatch } from '../../runtime/worker/execution/memory-watch.ts'
import { testSignal } from '../support/signal.ts'
import { eventually } from '../support/wait.ts'
import { memoryFigures as figures, newFolder } from './support.ts'

type SnapshotAnswer = Extract<ChildMessage, { type: 'snapshot' }>
describe('a heap snapshot', () => {
  it('that was not written is no file, and the reason is told', async (t) => {
    const folder = newFolder(t)
    const reasonOf = async (answer: Partial<SnapshotAnswer> | undefined): Promise<unknown> =>
      new HeapSnapshots(folder).take('job', async (message) => {
        assert.ok(message.type === 'snapshot')
        writeFileSync(message.file, 'half')
        return answer && { type: 'snapshot', ...answer }
      })
    assert.deepEqual(await reasonOf(undefined), { reason: 'the process ended before it was written' })
    assert.deepEqual(await reasonOf({ fault: 'no space' }), { reason: 'no space' })
    assert.deepEqual(await reasonOf({ heapBytes: 200 << 20 }), {
      reason: 'the heap has 200.0 MB, and one of more than 128.0 MB is not written down',
    })
    assert.deepEqual(readdirSync(folder), [])
    const lost = await new HeapSnapshots(folder).take('job', async () => ({ type: 'snapshot', file: 'x' }))
    assert.match('reason' in lost ? lost.reason : '', /ENOENT/)
  })

  it('is waited for half a minute', async (t) => {
    const asked = testSignal()
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const taken = new HeapSnapshots(newFolder(t)).take('job', () => {
      asked.fire()
      return new Promise(() => undefined)
    })
    await asked.fired
    t.mock.timers.tick(30_000)
    assert.deepEqual(await taken, { reason: 'it was not written within 30 s' })
  })

  it('takes the place of the oldest of five', async (t) => {
    const folder = newFolder(t)
    writeFileSync(join(folder, 'other.txt'), '')
    for (let n = 1; n <= 5; n += 1) {
      writeFileSync(join(folder, `${n}.heapsnapshot`), '')
      utimesSync(join(folder, `${n}.heapsnapshot`), n, n)
    }
    const taken = await new HeapSnapshots(folder).take('new', async (message) => {
      assert.ok(message.type === 'snapshot')
      writeFileSync(message.file, 'text')
      return { type: 'snapshot', file: message.file }
    })
    assert.deepEqual(taken, { file: join(folder, 'new.heapsnapshot'), bytes: 4 })
    assert.deepEqual(
      readdirSync(folder).sort(),
      [2, 3, 4, 5, 'new'].map((name) => `${name}.heapsnapshot`).concat('other.txt'),
    )
  })

  it('and the figures of a process are answered by the process, also where they cannot be', () => {
    const answered = describeMemory({ type: 'figures' })
    assert.ok(answered.type === 'figures' && answered.figures.heapUsedBytes > 1 << 20)
    assert.ok((answered.figures.spaces['old'] ?? 0) > 0 && !Object.values(answered.figures.spaces).includes(0))
    const large = describeMemory({ type: 'snapshot', file: '/nowhere/x', maxHeapBytes: 1 })
    assert.ok(large.type === 'snapshot' && large.file === undefined && (large.heapBytes ?? 0) > 1 << 20)
    const failed = describeMemory({ type: 'snapshot', file: '/nowhere/x', maxHeapBytes: Infinity })
    assert.match((failed.type === 'snapshot' && failed.fault) || '', /\/nowhere\/x|ENOENT|open/)
  })
})

describe('the memory of a job', () => {
  it('is that of all its processes; those are asked near the limit only, and eight looks are kept', async (t) => {
    const child = spawn('sleep', ['60'])
    t.after(() => child.kill())
    const looked: string[] = []
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const watched = { pid: process.pid, onOver: () => looked.push('over') }
    const far = new MemoryWatch({ ...watched, limitBytes: 2 ** 50, ask: () => looked.push('ask') })
    assert.deepEqual(far.evidence(), { limitBytes: 2 ** 50, looks: [] })
    assert.equal(far.isAnswered, false)
    far.heard(figures)
    assert.ok(far.isAnswered)
    for (let look = 1; look <= 10; look += 1) {
      const before = far.evidence().looks.length
      t.mock.timers.tick(250)
      while (look <= 8 && far.evidence().looks.length === before) await new Promise((resolve) => setImmediate(resolve))
      for (let n = 0; look > 8 && n < 200; n += 1) await new Promise((resolve) => setImmediate(resolve))
    }
    const { looks, processes, own } = far.evidence()
    assert.deepEqual([looks.length, looks.at(-1)?.beforeMs, looked], [8, 0, []])
    assert.ok(processes?.some(({ pid }) => pid === child.pid))
    assert.ok(own && own.beforeMs >= 0)
    assert.equal(far.isAnswered, false, 'it was heard before the last look')
    far.stop()
    const near = new MemoryWatch({
      ...{ ...watched, limitBytes: 1.5 * far.peakBytes },
      ask: () => looked.push('ask'),
    })
    t.mock.timers.tick(250)
    while (near.evidence().looks.length === 0) await new Promise((resolve) => setImmediate(resolve))
    near.stop()
    const stopped = new MemoryWatch({ ...watched, limitBytes: 1, ask: () => assert.fail('asked') })
    t.mock.timers.tick(250)
    stopped.stop()
    t.mock.timers.reset()
    await eventually(() => looked.length > 0)
    assert.deepEqual([looked, stopped.evidence().looks], [['ask'], []])
  })
})
