// Jobs take over each other's lines to the supervisor; nothing of one job may reach another through them.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { afterTicks } from '../../../runtime/core/clock.ts'
import { JobSockets } from '../../../runtime/worker/launchers/fork/connection-pair.ts'
import type { ForkLauncher } from '../../../runtime/worker/launchers/fork/fork.ts'
import { encodeOrder, ORDER } from '../../../runtime/worker/launchers/fork/zygote/wire/zygote-messages.ts'
import { REPORT, REPORT_BYTES, ReportReader } from '../../../runtime/worker/launchers/fork/zygote/wire/report-format.ts'
import { leavesNoProcess } from '../../support/process.ts'
import { testSignal } from '../../support/signal.ts'
import { eventually } from '../../support/wait.ts'
import { forkLauncher, launch, noFallback, result, resultOf, writeApp } from './support.ts'

leavesNoProcess()

const jobs = `
import { execFileSync } from 'node:child_process'
import { readdirSync, readlinkSync, writeSync } from 'node:fs'
import { Job } from 'resque-runtime'
const sockets = () => readdirSync('/proc/self/fd').flatMap((fd) => {
  try { const to = readlinkSync('/proc/self/fd/' + fd); return to.startsWith('socket:') ? [{ fd: Number(fd), to }] : [] } catch { return [] }
})
export class Sockets extends Job {
  async perform(): Promise<number> { return new Set(sockets().map(({ to }) => to)).size }
}
export class Waits extends Job {
  async perform(): Promise<void> { await new Promise(() => void setInterval(() => undefined, 1000)) }
}
/** Why it was cancelled: the first reason that it was told. */
export class Aborted extends Job {
  async perform(): Promise<string> {
    const { signal } = this
    const never = setInterval(() => undefined, 60_000)
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
    clearInterval(never)
    return (signal.reason as Error).message
  }
}
/** Too busy to read what it is told, and gone right after. */
export class Busy extends Job {
  perform(ms: number): void { this.log('busy'); const end = Date.now() + ms; while (Date.now() < end); }
}
/** Says the first half of something, and dies. */
export class DiesSpeaking extends Job {
  async perform(): Promise<void> {
    for (const { fd } of sockets()) if (fd > 2) writeSync(fd, Buffer.from([200, 0, 0, 0, 123]))
    process.kill(process.pid, 'SIGKILL')
  }
}
export class WritesGarbage extends Job {
  async perform(): Promise<void> { for (const { fd } of sockets()) if (fd > 2) writeSync(fd, 'x'.repeat(100)) }
}
/** A program of node's with the job's own output: it makes it give up rather than wait, and ends it. */
export class EndsOutput extends Job {
  async perform(): Promise<number> {
    execFileSync(process.execPath, ['-e', 'process.stdout.end("over")'], { stdio: 'inherit' })
    return 1
  }
}
export class StopsWaiting extends Job {
  async perform(): Promise<number> {
    try {
      execFileSync(process.execPath, ['-e', 'process.stdout.write("more", () => process.kill(process.pid, 9))'], { stdio: 'inherit' })
    } catch {}
    return 1
  }
}
export class Prints extends Job {
  async perform(): Promise<void> { process.stdout.write('x'.repeat(3_000_000)); process.exit(0) }
}
`

describe('fork: lines', () => {
  let launcher: ForkLauncher
  let printed = ''
  before(async () => {
    launcher = forkLauncher(writeApp({ 'src/jobs/all.ts': jobs }), {
      ...noFallback,
      passOutput: { out: (chunk) => (printed += String(chunk)), err: () => undefined },
    })
    await launcher.start()
  })
  after(() => launcher.stop())

  const cancel = async (reason: string): Promise<unknown> => {
    const launched = launch(launcher, 'Aborted')
    launched.send({ type: 'cancel', reason })
    return result(await launched.ended)
  }
  /** Of a job on each line: a message that another job has left there would come before its own. */
  const hearOnlyTheirOwn = async (): Promise<void> => {
    for (let round = 0; round < 4; round += 1)
      assert.match(String(await cancel(`own ${round}`)), new RegExp(`own ${round}`))
  }

  /** As many as there may be lines, so that each is used again. */
  const onEveryLine = async (name: string): Promise<unknown[]> => {
    const results: unknown[] = []
    for (let round = 0; round < 4; round += 1) results.push(await resultOf(launcher, name))
    return results
  }

  it('a job has its own line and no other, whatever runs beside it', async () => {
    const started = testSignal()
    const other = launch(launcher, 'Waits', [], (message) => message.type === 'started' && started.fire())
    await started.fired
    assert.deepEqual(await onEveryLine('Sockets'), [2, 2, 2, 2])
    other.kill('SIGKILL')
    await other.ended
    assert.deepEqual(await onEveryLine('Sockets'), [2, 2, 2, 2])
  })

  it('what a job was told before it began reaches it', async () => {
    assert.match(String(await cancel('early')), /early/)
  })

  it('what a job was told and did not read reaches no other', async () => {
    const busy = testSignal()
    const launched = launch(launcher, 'Busy', [100], (message) => message.type === 'log' && busy.fire())
    await busy.fired
    launched.send({ type: 'cancel', reason: 'too late' })
    assert.equal((await launched.ended).outcome?.kind, 'done')
    await hearOnlyTheirOwn()
  })

  it('a job that was told before it began, and killed, is not run by the next process', async () => {
    const killed = launch(launcher, 'WritesGarbage')
    killed.kill('SIGKILL')
    assert.equal((await killed.ended).outcome, undefined)
    await hearOnlyTheirOwn()
  })

  it('a job that dies while it speaks takes no word from the next', async () => {
    const ending = await launch(launcher, 'DiesSpeaking').ended
    assert.deepEqual([ending.signal, ending.outcome], ['SIGKILL', undefined])
    assert.deepEqual(await onEveryLine('Sockets'), [2, 2, 2, 2])
  })

  it('garbage on a line is that job’s own trouble', async () => {
    const ending = await launch(launcher, 'WritesGarbage').ended
    assert.deepEqual([ending.started, ending.outcome], [true, undefined])
    assert.deepEqual(await onEveryLine('Sockets'), [2, 2, 2, 2])
  })

  for (const spoiler of ['EndsOutput', 'StopsWaiting'])
    it(`a program that spoils the output of its job spoils no other's: ${spoiler}`, async () => {
      assert.equal(result(await launch(launcher, spoiler).ended), 1)
      for (let round = 0; round < 3; round += 1) {
        printed = ''
        await launch(launcher, 'Prints').ended
        assert.equal(printed.length, 3_000_000)
      }
    })
})

describe('fork: orders and reports', () => {
  it('an order says how long its text is', () => {
    const order = encodeOrder(ORDER.launch, 7, 3)
    assert.deepEqual([...new Uint32Array(new Uint8Array(order).buffer)], [ORDER.launch, 7, 3, 0])
  })

  it('reports come out whole, however the stream is cut', () => {
    const report = (kind: number, launched: number, pid: number, status: number): Buffer => {
      const bytes = Buffer.alloc(REPORT_BYTES)
      ;[kind, launched, pid, status].forEach((word, index) => bytes.writeInt32LE(word, index * 4))
      bytes.writeBigInt64LE(2n, 16)
      bytes.writeBigInt64LE(5000n, 24)
      bytes.writeBigInt64LE(77n, 48)
      return bytes
    }
    const stream = Buffer.concat([
      report(REPORT.exited, 1, 100, 7 << 8),
      report(REPORT.exited, 2, 101, 9),
      report(REPORT.notForked, 3, 0, 11),
    ])
    const reader = new ReportReader()
    const reports = [...stream].flatMap((byte) => reader.push(Buffer.of(byte)))
    const usage = { cpuUserMs: 2005, cpuSystemMs: 0, peakRssBytes: 77 * 1024, alone: true }
    assert.deepEqual(reports, [
      { launch: 1, exited: { pid: 100, exitCode: 7, signal: null, ...usage } },
      { launch: 2, exited: { pid: 101, exitCode: null, signal: 9, ...usage } },
      { launch: 3, failure: 'fork failed with errno 11' },
    ])
  })
})

describe('the socket of job processes', () => {
  it('hears a hello that comes in pieces, and what follows it', async () => {
    const heard: unknown[] = []
    const sockets = new JobSockets(({ launch, kind, first }) => heard.push([launch, kind, String(first)]))
    await sockets.listen()
    const client = connect(sockets.path)
    await once(client, 'connect')
    client.write(Buffer.of(5, 0, 0))
    await new Promise<void>((resolve) => afterTicks(20, resolve))
    assert.deepEqual(heard, [])
    client.write(Buffer.concat([Buffer.of(0, 1, 0, 0, 0), Buffer.from('printed')]))
    await eventually(() => heard.length > 0)
    assert.deepEqual(heard, [[5, 'output', 'printed']])
    client.destroy()
    await sockets.close()
  })
})
