// Where a job hangs: its stack or what it waits for, in its failure, and asked for while it runs.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { machine } from '../../config/machine.ts'
import { Locator } from '../../runtime/worker/stack/locate.ts'
import { STACK_BEGIN, STACK_END, StackReader } from '../../runtime/worker/stack/stack-format.ts'
import { locationText, type JobLocation } from '../../runtime/store/workers/stacks.ts'
import type { MemoryEvidence } from '../../runtime/messages.ts'
import type { JobRecord } from '../../runtime/store/queues/jobs.ts'
import type { Store } from '../../runtime/store/store.ts'
import { evidenceRows } from '../../runtime/inspect/evidence.ts'
import { runCommand } from '../support/command.ts'
import { ROOT, type Running } from '../support/process.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'
import { launchWorker, push, untilState, useEvidence } from './support.ts'

const app = join(ROOT, 'test/fixtures/apps/hang')

describe('the stack in a process’s output', () => {
  const read = (chunks: string[]): { output: string; stacks: [string[], number][] } => {
    const stacks: [string[], number][] = []
    const reader = new StackReader((lines, more) => stacks.push([lines, more]))
    const output = chunks.map((chunk) => reader.push(Buffer.from(chunk, 'latin1')).toString('latin1')).join('')
    return { output: output + reader.close().toString('latin1'), stacks }
  }
  const text = `before\n${STACK_BEGIN}a (x:1:2)\nb (y:3:4)${STACK_END}after\n`

  it('is taken out of it, wherever the chunks are cut', () => {
    for (let at = 0; at <= text.length; at += 1)
      assert.deepEqual(read([text.slice(0, at), text.slice(at)]), {
        output: 'before\nafter\n',
        stacks: [[['a (x:1:2)', 'b (y:3:4)'], 0]],
      })
    assert.deepEqual(read([...text]), read([text]))
  })

  it('leaves output that only looks like a mark as it is', () => {
    const odd = `\x01\x01resque-runtime:stuck\n\x01resque`
    assert.deepEqual(read([...odd]), { output: odd, stacks: [] })
  })

  it('is bounded, and what is beyond is counted', () => {
    const { stacks } = read([`${STACK_BEGIN}${'frame (x:1:1)\n'.repeat(10_000)}`, STACK_END])
    const [lines = [], more = 0] = stacks[0] ?? []
    assert.ok(lines.length < 1500)
    assert.ok(Math.abs(lines.length + more - 10_000) <= 1)
  })

  it('is given also where the process died while it printed', () => {
    assert.deepEqual(read([`${STACK_BEGIN}a (x:1:2)\n`]).stacks, [[['a (x:1:2)'], 0]])
  })
})

describe('a process that answers nothing', () => {
  const asked = async (pid: number): Promise<string> => {
    const locator = new Locator(() => undefined)
    locator.started(pid)
    return locationText(await locator.locate(20))
  }

  it('is not said to be in native code where it has gone, or has had no processor', async (t) => {
    const child = spawn('sleep', ['60'])
    const status = 'State:\tR (running)\nSigCgt:\tffffffffffffffff\n'
    t.mock.method(machine, 'file', (path: string) => (path.endsWith('status') ? status : '7000000 900000000 3\n'))
    assert.match(await asked(child.pid ?? 0), /the machine is too busy: its process got 0 ms of a processor in 20 ms$/)
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    t.mock.restoreAll()
    assert.match(await asked(child.pid ?? 0), /its process has gone$/)
  })
})

for (const isolation of ['fork', 'spawn'] as const) {
  describe(`a job that hangs (${isolation})`, () => {
    const evidence = useEvidence()
    const snapshots = mkdtempSync(join(tmpdir(), 'test-snapshots-'))
    let server: TestRedis
    let worker: Running
    let store: Store

    before(async () => {
      server = await startRedis()
      store = testStore(server)
      worker = launchWorker(server, evidence, {
        isolation,
        concurrency: 2,
        cwd: app,
        env: { RUNTIME_WORKER_TERM_TIMEOUT_MS: '1200', RUNTIME_WORKER_HEAP_SNAPSHOTS: snapshots },
      })
      await worker.waitForLine(/working on/, { timeoutMs: 60_000 })
    })
    after(async () => {
      await worker.stop('SIGTERM')
      store.close()
      await server.stop()
      rmSync(snapshots, { recursive: true })
    })

    const ended = async (id: string): Promise<{ record: JobRecord; where: JobLocation; message: string }> => {
      const record = await untilState(store, id, 'failed')
      const { where } = JSON.parse(record.evidence ?? '{}') as { where: JobLocation }
      return { record, where, message: (JSON.parse(record.error ?? '{}') as { message: string }).message }
    }
    const hang = async (way: string, given = ''): ReturnType<typeof ended> =>
      ended(await push(store, 'Hang', [way, given]))
    const inSource = isolation === 'fork'
    const at = (line: number): RegExp => (inSource ? new RegExp(`src/jobs/hang\\.ts:${line}\\b`) : /hang\.ts/)

    it('has its stack in its failure, with the line of the source', async () => {
      const { record, where, message } = await hang('loop')
      assert.equal(record.cause, 'timeout')
      assert.equal(where.at, 'stack')
      assert.match(message, /^it ran longer than 500ms, in Order\.total \(.*hang\.ts/)
      assert.match(message, at(9))
      const { backtrace } = JSON.parse(record.error ?? '{}') as { backtrace: string[] }
      assert.match(backtrace[0] ?? '', /^at Order\.total \(/)
      const evidence = JSON.parse(record.evidence ?? '{}') as { timelineMs: Record<string, number> }
      assert.deepEqual(Object.keys(evidence.timelineMs), ['reserve', 'fork', 'perform', 'settle'])
      assert.ok((evidence.timelineMs.perform ?? 0) >= 500)
      const frame = /\n {2}at Order\.total /
      assert.match(evidenceRows(evidence).join('\n'), frame)
      assert.doesNotMatch(evidenceRows(evidence, { stack: backtrace }).join('\n'), frame, 'the stack is shown once')
    })

    it('is found in a finally, far down, in an expression, in WebAssembly, in a wait', async () => {
      const [inFinally, deep, regex, atomics, wasm] = await Promise.all(
        ['finally', 'deep', 'regex', 'atomics', 'wasm'].map((way) => hang(way)),
      )
      assert.match(locationText(inFinally!.where), /^in Order\.total /)
      assert.match(locationText(deep!.where), /^in Order\.total /)
      assert.ok(deep!.where.at === 'stack' && /^… and \d+ more frames$/.test(deep!.where.frames.at(-1) ?? ''))
      assert.match(locationText(regex!.where), /^in RegExp\.test, called from /)
      assert.match(locationText(atomics!.where), /^in Atomics\.wait, called from /)
      assert.match(locationText(wasm!.where), /^in wasm/)
    })

    it('says what it waits for', async () => {
      const { where, message } = await hang('wait')
      assert.equal(where.at, 'idle')
      assert.match(message, /waiting for: 1 timer due in (3h|2h59m)/)
      assert.match(message, /1 child process \d+ \(sleep\)/)
      assert.match(message, /1 server on 127\.0\.0\.1:\d+/)
      assert.match(message, /socket to 127\.0\.0\.1:\d+/)
    })

    it('says that it is in native code, with what the kernel shows', async () => {
      const fifo = join(server.dir, 'fifo')
      execFileSync('mkfifo', [fifo])
      const { where } = await hang('file', fifo)
      assert.equal(where.at, 'native')
      assert.match(where.at === 'native' ? where.state : '', /^[SD] /)
    })

    it('is found in JSON.parse of a long text: between two of them, or in native code', async () => {
      const { where } = await hang('json')
      assert.match(locationText(where), /^in (native code|JSON\.parse|.*json )/)
    })

    it('is not waited for where nothing can come', async () => {
      const record = await untilState(store, await push(store, 'Hang', ['empty', '']), 'failed')
      assert.equal(record.cause, 'never settled')
    })

    it('prints its stack when its processor time is over', async () => {
      const { record, where, message } = await ended(await push(store, 'Costly', []))
      assert.equal(record.cause, 'timeout')
      assert.match(locationText(where), /^in Order\.total /)
      assert.match(message, /CPU time/)
    })

    it('has its memory in its failure, by the kernel’s figures and by its own, and a heap snapshot', async () => {
      const { record } = await ended(await push(store, 'Eats', [10]))
      assert.equal(record.cause, 'memory')
      const { memory } = JSON.parse(record.evidence ?? '{}') as { memory: MemoryEvidence }
      assert.ok((memory.looks.at(-1)?.rssBytes ?? 0) > memory.limitBytes)
      assert.ok((memory.own?.arrayBuffersBytes ?? 0) > 20 << 20 && (memory.own?.spaces.old ?? 0) > 0)
      assert.ok(memory.snapshot && 'file' in memory.snapshot, JSON.stringify(memory.snapshot))
      const text = readFileSync(memory.snapshot.file, 'utf8')
      assert.equal(text.length, memory.snapshot.bytes)
      assert.ok(text.startsWith('{"snapshot"') && text.trimEnd().endsWith('}'))
      const shown = evidenceRows(JSON.parse(record.evidence ?? '{}') as Record<string, unknown>).join('\n')
      assert.match(shown, /limit 150\.0 MB; resident at the last looks: [^]*by its own figures[^]*heap spaces: /)
    })

    it('says that a process that loops gave no figures of its own', async () => {
      const { record } = await ended(await push(store, 'Eats', [0]))
      const { memory } = JSON.parse(record.evidence ?? '{}') as { memory: MemoryEvidence }
      assert.equal(memory.own, undefined)
      assert.deepEqual(memory.snapshot, { reason: 'the event loop of the process did not run' })
    })

    it('is asked while it runs, goes on, and is found by its id alone', async () => {
      const id = await push(store, 'Endless', [])
      await eventually(
        async () => {
          const { pid } = (await store.jobs.find(id)) ?? {}
          return pid
        },
        { timeoutMs: 60_000, intervalMs: 50, what: 'its process to begin' },
      )
      const { where } = await store.stacks.ask(id)
      assert.match(locationText(where), /^in Order\.total /)
      const shown = await runCommand(['job', 'stack', id], { env: { REDIS_URL: server.url }, cwd: app })
      assert.match(shown.stdout, /in Order\.total [^]*\n {2}at Endless\.perform /)
      worker.kill('SIGTTIN')
      await worker.waitForLine(new RegExp(`job ${id} in process \\d+ is in Order\\.total`))
      assert.equal((await store.jobs.find(id))?.state, 'running')
      const ps = await runCommand(['ps', '--stacks'], { env: { REDIS_URL: server.url }, cwd: app })
      assert.match(ps.stdout, /in Order\.total /)
    })

    if (isolation === 'spawn') return

    it('is refused for a job that does not run', async () => {
      const shown = await runCommand(['job', 'stack', 'nowhere'], { env: { REDIS_URL: server.url }, cwd: app })
      assert.equal(shown.exitCode, 1)
      assert.match(shown.stderr, /expected the ID of a job/)
    })
  })
}
