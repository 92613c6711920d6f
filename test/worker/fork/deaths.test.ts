// Death of any of the three kinds of process, and what must not be left of it.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { ForkLauncher } from '../../../runtime/worker/launchers/fork/fork.ts'
import { leavesNoProcess, startProgram } from '../../support/process.ts'
import { isAlive, testSignal } from '../../support/signal.ts'
import { eventually } from '../../support/wait.ts'
import { forkLauncher, launch, noFallback, resultOf, writeApp } from './support.ts'

leavesNoProcess()

const jobs = `
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Job } from 'resque-runtime'
export class Waits extends Job {
  async perform(): Promise<void> { await new Promise(() => void setInterval(() => undefined, 1000)) }
}
export class Where extends Job {
  async perform(): Promise<number> { return process.ppid }
}
/** A grandchild in a session of its own, below a process that leaves at once: nobody's group, nobody's child. */
export class KillsParent extends Job {
  async perform(): Promise<void> { process.kill(process.ppid, 'SIGTERM') }
}
export class LeavesDaemon extends Job {
  async perform(wait: boolean): Promise<number> {
    const child = spawn('sh', ['-c', 'setsid sleep 1000 >/dev/null 2>&1 & echo $!'], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
    let pid = ''
    for await (const chunk of child.stdout) pid += chunk
    this.log(pid.trim())
    if (wait) await new Promise(() => void setInterval(() => undefined, 1000))
    return Number(pid)
  }
}
export class Allocates extends Job {
  async perform(megabytes: number): Promise<number> {
    const kept = []
    for (let index = 0; index < megabytes; index += 1) kept.push(Buffer.alloc(1024 * 1024, index))
    return kept.length
  }
}
export class Burns extends Job {
  async perform(ms: number): Promise<void> {
    const start = process.cpuUsage().user
    while (process.cpuUsage().user - start < ms * 1000);
  }
}
export class Fills extends Job {
  async perform(): Promise<void> {
    const kept: unknown[] = []
    for (;;) kept.push({ text: 'x'.repeat(100) + kept.length })
  }
}
export class Prints extends Job {
  async perform(): Promise<void> {
    process.stdout.write('x'.repeat(3_000_000) + '\\n')
    for (let line = 0; line < 5000; line += 1) console.log('line', line)
    process.exit(0)
  }
}
export class Quiet extends Job { async perform(): Promise<void> {} }
`

/** Processes whose parent is `pid`, with their state (`Z`: a zombie). */
function childrenOf(pid: number): string[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const stat = /^\d+ \(.*\) (\S) (\d+) /.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))
      return Number(stat?.[2]) === pid ? [`${name} ${stat?.[1]}`] : []
    } catch {
      return []
    }
  })
}

const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

describe('fork: deaths', () => {
  const source = writeApp({ 'src/jobs/all.ts': jobs })
  let launcher: ForkLauncher
  let printed = 0
  before(async () => {
    launcher = forkLauncher(source, {
      ...noFallback,
      passOutput: { out: (chunk) => (printed += chunk.length), err: () => undefined },
    })
    await launcher.start()
  })
  after(() => launcher.stop())

  const zygotePid = async (): Promise<number> => Number(await resultOf(launcher, 'Where'))
  const startWaiting = async (): Promise<ReturnType<typeof launch>> => {
    const started = testSignal()
    const launched = launch(launcher, 'Waits', [], (message) => message.type === 'started' && started.fire())
    await started.fired
    return launched
  }

  it('of the zygote: its jobs end with SIGKILL, and the next job runs from a new one', async () => {
    const zygote = await zygotePid()
    const running = await Promise.all([startWaiting(), startWaiting()])
    process.kill(zygote, 'SIGKILL')
    for (const { ended } of running) {
      const ending = await ended
      assert.deepEqual(
        [ending.signal, ending.exitCode, ending.started, ending.outcome],
        ['SIGKILL', null, true, undefined],
      )
      assert.equal(ending.lostParent, 'SIGKILL')
      await eventually(() => !isAlive(ending.pid ?? 0), { what: `process ${ending.pid} to be gone` })
    }
    const next = await zygotePid()
    assert.notEqual(next, zygote)
    assert.equal(launcher.refusal, undefined)
  })

  it('of the zygote, by a job: refused, and the job that tried is named', async () => {
    const other = await startWaiting()
    const zygote = await zygotePid()
    const { outcome } = await launch(launcher, 'KillsParent').ended
    assert.ok(outcome?.kind === 'failed')
    assert.match(outcome.error.message, /^kill EPERM: process \d+ is the one that jobs are forked from/)
    assert.match(outcome.error.backtrace.join('\n'), /all\.ts/)
    assert.equal(await zygotePid(), zygote)
    other.kill('SIGKILL')
    await other.ended
  })

  it('of the zygote, with jobs on their way: each of them runs, in one way or another', async () => {
    const zygote = await zygotePid()
    const all = Array.from({ length: 20 }, () => launch(launcher, 'Waits'))
    process.kill(zygote, 'SIGKILL')
    // Those that had not started wait for the new zygote, or are given up before their code began.
    await eventually(() => all.every((one) => one.pid !== undefined) || !isAlive(zygote))
    for (const one of all) one.kill('SIGKILL')
    for (const { ended } of all) assert.equal((await ended).signal, 'SIGKILL')
    assert.equal(await resultOf(launcher, 'Quiet'), undefined)
  })

  it('of a job: what it left in a session of its own goes, while that of another job stays', async () => {
    const daemon = testSignal<number>()
    const other = launch(
      launcher,
      'LeavesDaemon',
      [true],
      (message) => message.type === 'log' && daemon.fire(Number(message.line)),
    )
    const kept = await daemon.fired
    const pid = Number(await resultOf(launcher, 'LeavesDaemon', false))
    await eventually(() => !isAlive(pid), { what: `process ${pid} to be gone` })
    assert.ok(isAlive(kept))
    other.kill('SIGKILL')
    await other.ended
    await eventually(() => !isAlive(kept), { what: `process ${kept} to be gone` })
  })

  it('of the zygote: what jobs had left in sessions of their own goes as well', async () => {
    const daemon = testSignal<number>()
    const launched = launch(
      launcher,
      'LeavesDaemon',
      [true],
      (message) => message.type === 'log' && daemon.fire(Number(message.line)),
    )
    const pid = await daemon.fired
    process.kill(await zygotePid(), 'SIGKILL')
    assert.equal((await launched.ended).signal, 'SIGKILL')
    await eventually(() => !isAlive(pid), { what: `process ${pid} to be gone` })
  })

  it('is told with what the kernel counted', async () => {
    const [burnt, grown, nothing] = await Promise.all(
      [
        ['Burns', 150],
        ['Allocates', 200],
        ['Quiet', 0],
      ].map(([name, arg]) => launch(launcher, String(name), [arg]).ended),
    )
    assert.ok((burnt?.cpuUserMs ?? 0) >= 150 && (burnt?.cpuUserMs ?? 0) < 1000, `${burnt?.cpuUserMs} ms`)
    const mb = 1024 * 1024
    assert.ok((grown?.peakRssBytes ?? 0) > (nothing?.peakRssBytes ?? 0) + 190 * mb)
    assert.ok((nothing?.cpuUserMs ?? Infinity) < 100)
  })

  it('loses no word of what was printed', async () => {
    printed = 0
    const { output } = await launch(launcher, 'Prints').ended
    assert.deepEqual([output.length, output.at(-1)], [20, 'line 4999'])
    const lines = Array.from({ length: 5000 }, (_, line) => `line ${line}\n`).join('').length
    assert.equal(printed, 3_000_001 + lines)
  })

  it('leaves no zombie and no descriptor, in 300 jobs', async () => {
    const zygote = await zygotePid()
    const run = (): Promise<unknown> => Promise.all(Array.from({ length: 10 }, () => resultOf(launcher, 'Quiet')))
    await run()
    // One is forked ahead, and waits.
    await eventually(() => childrenOf(zygote).length === 1)
    const descriptors = [descriptorsOf(zygote), descriptorsOf(process.pid)]
    for (let round = 0; round < 30; round += 1) await run()
    await eventually(() => childrenOf(zygote).length === 1, { what: 'the zygote to have one child' })
    // Two sockets lead to the one that waits.
    await eventually(() => descriptorsOf(process.pid) <= (descriptors[1] ?? 0) + 2, {
      what: 'descriptors to be closed',
    })
    await eventually(() => descriptorsOf(zygote) <= (descriptors[0] ?? 0) + 1, {
      what: 'descriptors of the zygote to be closed',
    })
    assert.deepEqual(
      childrenOf(process.pid).filter((child) => child.endsWith('Z')),
      [],
    )
  })
})

it('fork: death of a job by its own heap: SIGABRT, with the words of V8, and the zygote lives', async () => {
  process.env['NODE_OPTIONS'] = '--max-old-space-size=120'
  const launcher = forkLauncher(writeApp({ 'src/jobs/all.ts': jobs }), noFallback)
  await launcher.start()
  delete process.env['NODE_OPTIONS']
  const zygote = await resultOf(launcher, 'Where')
  const ending = await launch(launcher, 'Fills').ended
  assert.deepEqual([ending.signal, ending.started], ['SIGABRT', true])
  assert.match(ending.output.join('\n'), /heap out of memory/)
  assert.equal(await resultOf(launcher, 'Where'), zygote)
  await launcher.stop()
})

it('fork: death of the supervisor: the zygote, its jobs and what they left die with it', async () => {
  const source = writeApp({ 'src/jobs/all.ts': jobs })
  const program = startProgram('fork-supervisor', [JSON.stringify(source)])
  const pids = await eventually(() => /^pids (.*)$/m.exec(program.stdout)?.[1]?.split(' ').map(Number))
  assert.equal(pids?.filter(isAlive).length, 4)
  program.kill('SIGKILL')
  for (const pid of pids ?? []) await eventually(() => !isAlive(pid), { what: `process ${pid} to be gone` })
})
