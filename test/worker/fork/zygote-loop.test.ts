// The loop of a zygote, with a kernel that refuses, interrupts and cuts what is read.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Assignment } from '../../../runtime/messages.ts'
import { encodeOrder, ORDER } from '../../../runtime/worker/launchers/fork/zygote/wire/zygote-messages.ts'
import { ReportReader } from '../../../runtime/worker/launchers/fork/zygote/wire/report-format.ts'
import { assignmentOf } from '../../contracts/launcher.contract.ts'
import { reading, type Kernel, type Zygote, useKernel } from './kernel.ts'

const { zygote, answer } = await useKernel()
const EINTR = 4
const EINVAL = 22
const EMFILE = 24
const ECONNREFUSED = 111
const KILL = 9

describe('the orders of the supervisor', () => {
  const launches = (orders: InstanceType<Zygote['orders']['Orders']>): number[] => {
    const all: number[] = []
    while (orders.next()) all.push(orders.launch)
    return all
  }

  it('are read whole, however they come, and however long they are', (t) => {
    const orders = new zygote.orders.Orders()
    const long = assignmentOf('Long', ['x'.repeat(100_000)])
    const stream = Buffer.concat([
      encodeOrder(ORDER.launch, 1),
      encodeOrder(ORDER.launchOnNewPair, 2, 3, long),
      encodeOrder(ORDER.kill, 4),
    ])
    const cuts = [0, 10, 40, 65_536, 65_600, stream.length]
    const chunks = cuts.slice(1).map((end, at) => stream.subarray(cuts[at], end))
    let rest: Buffer = Buffer.alloc(0)
    answer(t, {
      read: (_, into) => {
        if (rest.length === 0) rest = chunks.shift() ?? rest
        const count = rest.copy(into)
        rest = rest.subarray(count)
        return count
      },
    })
    const seen: number[] = []
    while (orders.read(3)) {
      const now = launches(orders)
      seen.push(...now)
      if (now.includes(2) && orders.launch === 2) assert.deepEqual([orders.pair, orders.assignment()], [3, long])
    }
    assert.deepEqual(seen, [1, 2, 4])
    assert.equal(orders.assignment(), undefined)
  })

  it('are waited for again after a signal, and end with the supervisor', (t) => {
    const orders = new zygote.orders.Orders()
    answer(t, { read: reading(-1, 0), errno: () => EINTR })
    assert.deepEqual([orders.read(3), launches(orders), orders.read(3)], [true, [], false])
  })
})

describe('children', () => {
  const usage = new Uint8Array(144)
  const late = { raise: (fd: number) => fd } as never

  it('of any number are found by pid and by launch, and reaped with what they left', (t) => {
    const killed: number[] = []
    const closed: number[] = []
    let interrupted = 1
    answer(t, {
      openPidfd: (pid) => pid + 1000,
      close: (fd) => closed.push(fd),
      kill: (pid) => killed.push(pid),
      wait4: (pid, status) => (interrupted-- > 0 ? -1 : ((status[0] = pid << 8), pid)),
      errno: () => EINTR,
    })
    const children = new zygote.children.Children(3, usage, late)
    for (let n = 1; n <= 40; n += 1) assert.equal(children.add(100 + n, n), 0)
    assert.deepEqual([children.pollCount, children.has(140), children.has(141)], [41, true, false])
    assert.deepEqual([children.hasLaunch(40), children.hasLaunch(41)], [true, false])
    assert.equal(children.pollSet[0], 3, 'the given descriptor stays the first')
    assert.equal(children.reapEnded(), false)
    children.pollSet[20 * 2 + 1] = 1 | (1 << 16)
    assert.equal(children.reapEnded(), true)
    assert.deepEqual([children.pid, children.launch, children.status], [120, 20, 120 << 8])
    assert.deepEqual([killed.splice(0), closed.splice(0)], [[-120], [1120]])
    assert.deepEqual([children.hasLaunch(20), children.has(140), children.pollCount], [false, true, 40])
    children.kill(40)
    children.kill(20)
    assert.deepEqual(killed.splice(0), [-140, 140], 'one that has gone is not killed')
    children.killAll()
    assert.equal(children.pollCount, 1)
    assert.equal(closed.length, 39)
  })

  it('that cannot be watched are killed', (t) => {
    const calls: unknown[] = []
    answer(t, {
      openPidfd: () => -1,
      errno: () => EMFILE,
      kill: (...args) => calls.push(['kill', ...args]),
      wait4: (pid) => calls.push(['wait4', pid]),
    })
    const children = new zygote.children.Children(3, usage, late)
    assert.equal(children.add(77, 1), EMFILE)
    assert.deepEqual(calls, [
      ['kill', 77, KILL],
      ['wait4', 77],
    ])
    assert.equal(children.pollCount, 1)
  })
})

describe('connection pairs', () => {
  const late = (fds: number[]) => ({ raise: () => fds.shift() ?? -1 }) as never

  it('of which one connection is refused are closed, and the errno is told', (t) => {
    const closed: number[] = []
    const { ConnectionPairs } = zygote.connectionPairs
    answer(t, { socket: () => 5, close: (fd) => closed.push(fd), errno: () => ECONNREFUSED, writeAll: () => true })
    answer(t, { connect: (fd) => (fd === 6 ? 0 : -1) })
    assert.equal(new ConnectionPairs('/tmp/x', late([6, 7])).open(0, 1), ECONNREFUSED)
    assert.deepEqual(closed.splice(0), [6, 7])
    answer(t, { connect: () => 0, writeAll: () => false })
    assert.equal(new ConnectionPairs('/tmp/x', late([6, 7])).open(2, 1), ECONNREFUSED)
    assert.deepEqual(closed.splice(0), [6])
    assert.equal(new ConnectionPairs('/tmp/x', late([])).open(0, 1), ECONNREFUSED, 'no descriptor is left')
    assert.deepEqual(closed, [])
  })

  it('lead to a path that has room in a socket address', () => {
    const { ConnectionPairs } = zygote.connectionPairs
    assert.throws(() => new ConnectionPairs(`/${'x'.repeat(107)}`, late([])), /at most 107 bytes, got 108: /)
    assert.ok(new ConnectionPairs(`/${'x'.repeat(106)}`, late([])))
  })
})

describe("the zygote's loop", () => {
  /** Runs it with these orders until it leaves, or is a child. */
  function run(
    t: TestContext,
    orders: Buffer[],
    calls: Partial<Kernel>,
  ): { reports: unknown[]; left: boolean; born: unknown } {
    const reader = new ReportReader()
    const reports: unknown[] = []
    answer(t, {
      poll: (set) => ((set[1] = 1 | (1 << 16)), 1),
      read: reading(...orders),
      errno: () => EMFILE,
      markForForking: () => 0,
      setpgid: () => 0,
      openPidfd: () => -1,
      kill: () => 0,
      wait4: () => 0,
      pread: () => 0,
      writeAll: (_, bytes) => reports.push(...reader.push(Buffer.from(bytes))) > 0,
      exitNow: () => {
        throw new Error('left')
      },
      ...calls,
    })
    const mark = { set: () => undefined, launchOf: () => undefined } as never
    const pairs = { open: (pair: number) => (pair === 9 ? ECONNREFUSED : 0) } as never
    const refusing = (assignment: Assignment): Error => new Error(`not ${assignment.className}`)
    const loop = new zygote.loop.ZygoteLoop(mark, pairs, { raise: (fd: number) => fd } as never, refusing)
    try {
      return { born: loop.run(), reports, left: false }
    } catch (error) {
      assert.equal((error as Error).message, 'left')
      return { reports, left: true, born: undefined }
    } finally {
      loop.forget()
    }
  }

  it('reports why there is no process, and goes on until the supervisor has gone', (t) => {
    const failures: string[] = []
    const pids = [-1, 77]
    let marks = 2
    const { reports, left } = run(
      t,
      [
        Buffer.concat([
          encodeOrder(ORDER.launchOnNewPair, 1, 9),
          encodeOrder(ORDER.launch, 2),
          encodeOrder(ORDER.launch, 3),
          encodeOrder(ORDER.kill, 3),
          encodeOrder(ORDER.launch, 4),
        ]),
      ],
      {
        markForForking: () => (marks-- > 0 ? EINVAL : 0),
        fork: () => pids.shift() ?? assert.fail('forked once more'),
        kill: (pid, signal) => failures.push(`${pid} ${signal}`),
      },
    )
    assert.deepEqual(reports, [
      { launch: 1, failure: `the socket of the supervisor refused with errno ${ECONNREFUSED}` },
      { launch: 2, failure: 'madvise(MADV_DOFORK) refuses part of the memory' },
      { launch: 3, failure: `fork failed with errno ${EMFILE}` },
      { launch: 4, failure: `pidfd_open failed with errno ${EMFILE}` },
    ])
    assert.deepEqual([left, failures], [true, [`77 ${KILL}`]])
  })

  it('waits again after a signal, and is a child where fork gave 0, with what beforeFork had against it', (t) => {
    const calls: string[] = []
    const assignment = assignmentOf('Works', [])
    const orders = [encodeOrder(ORDER.kill, 1), encodeOrder(ORDER.launchOnNewPair, 5, 2, assignment)]
    const readNext = reading(...orders)
    const { born, reports } = run(t, [], {
      poll: (set) => {
        // What poll(2) said last stays in the set when a signal interrupts the next one.
        if (calls.push('poll') === 3) return -1
        set[1] = 1 | (1 << 16)
        return 1
      },
      read: (...args) => (calls.push('read'), readNext(...args)),
      errno: () => EINTR,
      fork: () => 0,
    })
    assert.deepEqual([born, reports], [{ pair: 2, assignment, refused: new Error('not Works') }, []])
    assert.deepEqual(calls, ['poll', 'read', 'poll', 'poll', 'read'])
  })

  it('leaves where nothing hears its reports any more', (t) => {
    const { left } = run(t, [encodeOrder(ORDER.launch, 1)], { fork: () => -1, writeAll: () => false })
    assert.equal(left, true)
  })
})
