// Where a job is, by what its process answers, by its stack in the sources, and by what it keeps open: made-up answers of each.
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, it, type TestContext } from 'node:test'
import { machine } from '../../config/machine.ts'
import type { ChildMessage } from '../../runtime/messages.ts'
import { Locator } from '../../runtime/worker/stack/locate.ts'
import { sourceFrames, STACK_SIGNAL } from '../../runtime/worker/stack/stack-format.ts'
import { OpenResources } from '../../runtime/worker/stack/waiting-for.ts'

type Answer = Extract<ChildMessage, { type: 'waiting' | 'stack' }>
const PID = 4_194_305 // Above the largest pid there may be.
const waiting = (busy: number): Answer => ({ type: 'waiting', waitingFor: ['1 timer'], busy })
const stack = (...frames: string[]): Answer => ({ type: 'stack', frames, more: 0 })

describe('a process that is asked where it is', () => {
  /** Asks one that has these files in /proc, and answers this when the stack signal comes. */
  async function ask(t: TestContext, files: Record<string, string>, ...answers: Answer[]): Promise<unknown> {
    t.mock.method(machine, 'file', (path: string) => files[path.replace(`/proc/${PID}/`, '')])
    const locator = new Locator(() => undefined)
    locator.started(PID)
    t.mock.method(process, 'kill', (pid: number, signal: number) => {
      assert.deepEqual([pid, signal], [PID, STACK_SIGNAL])
      for (const answer of answers) locator.hear(answer)
    })
    const where = await locator.locate(5)
    t.mock.restoreAll()
    return where
  }
  const catches = 'State:\tS (sleeping)\nSigCgt:\tffffffffffffffff\n'

  it('is waited for until it has begun, as long as there is time', async () => {
    const locator = new Locator(() => undefined)
    const unknown = { at: 'unknown', reason: 'its process has not begun yet' }
    assert.deepEqual(await locator.locate(1), unknown)
    const asked = locator.locate(60_000)
    assert.equal(locator.locate(1), asked, 'a second one gets the same answer')
    locator.started(process.pid)
    assert.match(JSON.stringify(await asked), /isolation: inline/)
  })

  it('gives its stack where that has a frame of the job, else what it waits for, and that it is busy', async (t) => {
    const frame = '/app/src/jobs/order.ts:18:5'
    const inJob = await ask(t, { status: catches }, waiting(0.9), stack(`Order.total (${frame})`))
    assert.deepEqual(inJob, { at: 'stack', frames: [`Order.total (${frame})`] })
    const ownFrames = stack('emit (node:events:517:28)')
    assert.deepEqual(await ask(t, { status: catches }, waiting(0.9), ownFrames), {
      ...{ at: 'idle', waitingFor: ['1 timer'], busy: true },
    })
    assert.deepEqual(await ask(t, { status: catches }, ownFrames), { at: 'stack', frames: [] })
    assert.deepEqual(await ask(t, { status: catches }, waiting(0.1)), { at: 'idle', waitingFor: ['1 timer'] })
  })

  it('is not sent a signal that it would die of', async (t) => {
    const cannot = { at: 'unknown', reason: 'its process cannot print its stack on this platform' }
    assert.deepEqual(await ask(t, { status: 'SigCgt:\t0001ffffffffffff\n' }), cannot)
    assert.deepEqual(await ask(t, { status: 'State:\tS\n' }), cannot)
    assert.deepEqual(await ask(t, {}), { at: 'unknown', reason: 'its process has gone' })
    t.mock.method(machine, 'os', () => 'darwin')
    t.mock.method(machine, 'file', () => undefined)
    const locator = new Locator(() => undefined)
    locator.started(PID)
    assert.deepEqual(await locator.locate(1), cannot)
  })

  it('that answers nothing is in native code, with what the kernel shows of it', async (t) => {
    const running = 'State:\tR (running)\nSigCgt:\tffffffffffffffff\n'
    assert.deepEqual(await ask(t, { status: running, wchan: '0', syscall: 'running\n' }), {
      ...{ at: 'native', state: 'R (running)', systemCall: 'running' },
    })
    assert.deepEqual(await ask(t, { status: catches, wchan: 'pipe_read', schedstat: '0 0 0' }), {
      ...{ at: 'native', state: 'S (sleeping)', kernel: 'pipe_read' },
    })
    assert.deepEqual(await ask(t, { status: catches, wchan: '' }), { at: 'native', state: 'S (sleeping)' })
    assert.deepEqual(await ask(t, { status: 'SigCgt:\tffffffffffffffff\n' }), {
      ...{ at: 'unknown', reason: 'its process has gone' },
    })
  })

  it('may answer when it is not asked any more', async () => {
    const locator = new Locator(() => undefined)
    assert.equal(locator.late(), undefined)
    locator.hear(waiting(0.1))
    assert.deepEqual(await locator.late(), { at: 'idle', waitingFor: ['1 timer'] })
    locator.hear(stack('emit (node:events:517:28)'))
    locator.hear(waiting(0.9))
    assert.deepEqual(await locator.late(), { at: 'idle', waitingFor: ['1 timer'], busy: true })
  })
})

describe('frames in the sources', () => {
  it('are those of a source map, where there is one that can be read', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'test-maps-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const map = (name: string, source: string): string => {
      const file = join(folder, name)
      // Line 1, column 9 is line 3, column 5 of the source; what comes before is of no source.
      writeFileSync(`${file}.map`, JSON.stringify({ version: 3, names: [], sources: [source], mappings: 'QAEI' }))
      return file
    }
    const source = join(folder, 'src/a.ts')
    const [byUrl, byPath] = [map('url.js', pathToFileURL(source).href), map('path.js', source)]
    const [large, broken] = [map('large.js', source), map('broken.js', source)]
    appendFileSync(`${large}.map`, ' '.repeat(20 << 20))
    writeFileSync(`${broken}.map`, '{')
    const frames = await sourceFrames(
      [
        `Order.total (${pathToFileURL(byUrl).href}:1:9)`,
        `${byPath}:1:9`,
        `f (${byPath}:1:1)`,
        `f (${large}:1:1)`,
        `f (${broken}:1:1)`,
        'Array.map (<anonymous>)',
      ],
      2,
    )
    assert.deepEqual(frames, [
      `Order.total (${source}:3:5)`,
      `${source}:3:5`,
      `f (${byPath}:1:1)`,
      `f (${large}:1:1)`,
      `f (${broken}:1:1)`,
      'Array.map (<anonymous>)',
      '… and 2 more frames',
    ])
  })

  it('are fifty, and how many more there were', async () => {
    const frames = await sourceFrames(
      Array.from({ length: 60 }, () => '/app/a.js:1:1'),
      5,
    )
    assert.deepEqual([frames.length, frames.at(-1)], [51, '… and 15 more frames'])
  })
})

describe('what a job keeps open', () => {
  /** Makes an object of a class of this name. */
  const made = (name: string, fields: object = {}): object =>
    Object.assign(new ({ [name]: class {} }[name] as new () => object)(), fields)

  /** What is said of these handles, requests and types of resources. */
  async function said(
    t: TestContext,
    {
      handles = [],
      requests = [],
      types = [],
      withinMs = 0,
    }: Partial<Record<'handles' | 'requests', object[]>> & {
      types?: string[]
      withinMs?: number
    },
  ): Promise<string[]> {
    let isBefore = true
    t.mock.method(process as unknown as { _getActiveHandles: () => object[] }, '_getActiveHandles', () =>
      isBefore ? [] : handles,
    )
    t.mock.method(process as unknown as { _getActiveRequests: () => object[] }, '_getActiveRequests', () => requests)
    t.mock.method(process, 'getActiveResourcesInfo', () => (isBefore ? ['Timeout', 'ZLIB'] : types))
    const resources = new OpenResources()
    isBefore = false
    const { waitingFor } = await resources.look(withinMs)
    t.mock.restoreAll()
    return waitingFor
  }

  it('is named by where it leads, and what is open in every process is not named', async (t) => {
    const handles = [
      made('Socket', { remoteAddress: '10.0.0.5', remotePort: 5432 }),
      made('TLSSocket', { remoteAddress: '10.0.0.5', remotePort: 5432 }),
      made('TLSSocket', { remoteAddress: '::1', remotePort: 443 }),
      ...[made('Socket', { fd: 2 }), made('Socket', { _type: 'pipe' }), made('Socket'), made('WriteStream')],
      made('Server', { address: () => '/run/app.sock' }),
      made('Server', { address: () => null }),
      ...[made('Pipe'), made('FSWatcher'), made('UDP')],
    ]
    assert.deepEqual(await said(t, { handles }), [
      '2 sockets to 10.0.0.5:5432',
      '1 socket to [::1]:443',
      '1 pipe',
      '1 server on /run/app.sock',
      '1 server on ?:0',
      '1 UDP',
    ])
  })

  it('is not the pipes of a child process beside the child', async (t) => {
    const child = made('ChildProcess', { pid: 7, spawnfile: 'sleep' })
    assert.deepEqual(await said(t, { handles: [child, made('Socket'), made('ChildProcess', { pid: 8 })] }), [
      '1 child process 7 (sleep)',
      '1 child process 8',
    ])
  })

  it('is what was asked of name servers and of the kernel, and how much there is more of than before the job', async (t) => {
    const requests = [
      made('GetAddrInfoReqWrap', { hostname: 'db' }),
      made('TCPConnectWrap', { address: '::1', port: 80 }),
      made('WriteWrap'),
    ]
    const types = ['FSReqCallback', 'FSReqPromise', 'FSEventWrap', 'Unheard', 'ZLIB', 'Timeout']
    assert.deepEqual(await said(t, { requests, types }), [
      '1 look-up of db',
      '1 connection to [::1]:80',
      '2 file operations',
      '1 file watcher',
    ])
  })

  it('has timers that are named by when they are due, where there is time to find out', async (t) => {
    const types = ['Timeout', 'Timeout', 'Timeout']
    assert.deepEqual(await said(t, { types }), ['2 timers'])
    const resources = new OpenResources()
    const timers = [setTimeout(() => undefined, 7_200_000), setTimeout(() => undefined, 10_800_000)]
    const due = async (): Promise<string | undefined> => (await resources.look(1000)).waitingFor[0]
    try {
      assert.match((await due()) ?? '', /^2 timers, the next due in (2h|1h59m)/)
      clearTimeout(timers[0])
      assert.match((await due()) ?? '', /^1 timer due in (3h|2h59m)/)
    } finally {
      for (const timer of timers) clearTimeout(timer)
    }
  })
})
