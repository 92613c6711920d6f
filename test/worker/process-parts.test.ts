// What a supervisor keeps of each job's process: how it is ended, where it is, and what it says of itself; with made-up processes.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { machine } from '../../config/machine.ts'
import type { ParentMessage } from '../../runtime/messages.ts'
import type { Store } from '../../runtime/store/store.ts'
import { HeapSnapshots } from '../../runtime/worker/execution/heap-snapshots.ts'
import { JobProcess } from '../../runtime/worker/execution/job-process.ts'
import type { JobRun } from '../../runtime/worker/execution/job-run.ts'
import { ProgressWriter } from '../../runtime/worker/execution/progress-writer.ts'
import { logStacks, handleControl, RunningJobs } from '../../runtime/worker/execution/running-jobs.ts'
import type { LaunchedJob } from '../../runtime/worker/launchers/launcher.ts'
import { keepingLogger } from '../scheduler/support.ts'
import { eventually } from '../support/wait.ts'
import { memoryFigures as figures, newFolder } from './support.ts'

describe('the process of a job, and the worker that ends it', () => {
  /** A process and what it was sent. */
  function launched(t: TestContext): { job: JobProcess; process: LaunchedJob; done: string[] } {
    const done: string[] = []
    const process: LaunchedJob = {
      ...{ pid: undefined, ended: new Promise(() => undefined) },
      kill: (signal) => void done.push(signal),
      send: (message: ParentMessage) => void done.push(message.type),
    }
    const job = new JobProcess('j', { termTimeoutMs: 60_000, snapshots: new HeapSnapshots(newFolder(t)) })
    return { job, process, done }
  }

  it('is ended as soon as it is there where that was asked for before; the first reason counts', async (t) => {
    const { job, process, done } = launched(t)
    job.send({ type: 'figures' })
    job.kill('timeout')
    job.kill('shutdown')
    job.launched(process)
    await new Promise((resolve) => setImmediate(resolve))
    const { where } = await job.ended({ signal: 'SIGTERM' })
    assert.deepEqual([done, job.killed], [['cancel', 'SIGTERM'], 'timeout'])
    assert.deepEqual(where, { at: 'unknown', reason: 'its process had not begun the job yet' })
  })

  it('is ended at once without a grace, and for a lost lease; and gets nothing more when it has ended by itself', async (t) => {
    const first = launched(t)
    first.job.launched(first.process)
    first.job.kill('shutdown', 0)
    assert.deepEqual(first.done, ['SIGKILL'])
    const lost = launched(t)
    lost.job.launched(lost.process)
    lost.job.kill('lease lost')
    assert.deepEqual(lost.done, ['SIGKILL'])
    const ended = launched(t)
    ended.job.launched(ended.process)
    ended.job.kill('cancelled')
    ended.job.kill('memory')
    await ended.job.ended({ signal: null })
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual([ended.done, (await ended.job.ended({ signal: null })).where], [[], undefined])
  })

  it('has its whole timeout in a second process where the first ended before it had begun the job', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { job, process } = launched(t)
    job.launched(process)
    job.started(7, { timeoutMs: 50 })
    t.mock.timers.tick(40)
    job.started(8, { timeoutMs: 50 })
    t.mock.timers.tick(40)
    assert.equal(job.killed, undefined)
    t.mock.timers.tick(10)
    assert.equal(job.killed, 'timeout')
    job.stopTimers()
  })

  it("is known to have been ended for the container's memory where the kernel counts one more, and only once", async (t) => {
    let kills = 3
    t.mock.method(machine, 'exists', () => true)
    t.mock.method(machine, 'file', (path: string) => {
      if (path === '/proc/self/cgroup') return '0::/\n'
      if (path === '/sys/fs/cgroup/memory.events') return `oom_kill ${kills}\n`
      return path === '/sys/fs/cgroup/memory.max' ? `${512 << 20}\n` : undefined
    })
    const containerBytes = async (signal: NodeJS.Signals | null): Promise<number | undefined> =>
      (await launched(t).job.ended({ signal })).containerBytes
    await containerBytes('SIGKILL')
    kills += 1
    assert.deepEqual([await containerBytes('SIGTERM'), await containerBytes('SIGKILL')], [undefined, 512 << 20])
    assert.equal(await containerBytes('SIGKILL'), undefined)
  })

  it('writes its heap down before it is ended for its memory, and is not ended once it has gone', async (t) => {
    for (const goes of [false, true]) {
      const { job, process, done } = launched(t)
      job.launched(process)
      job.started(4_194_305, { memoryLimitBytes: 1 << 30, memoryReport: true })
      job.hear({ type: 'figures', figures })
      job.kill('memory')
      await eventually(() => done.includes('snapshot'))
      if (!goes) job.hear({ type: 'snapshot', fault: 'no space' })
      await eventually(() => goes || done.includes('SIGKILL'))
      const { memory } = await job.ended({ signal: 'SIGKILL' })
      await new Promise((resolve) => setImmediate(resolve))
      assert.equal(done.includes('SIGKILL'), !goes)
      const reason = goes ? 'the process ended before it was written' : 'no space'
      assert.deepEqual(memory?.snapshot, { reason })
    }
  })
})

describe('the jobs that run here', () => {
  const run = (id: string, killed: string[] = []): JobRun =>
    ({
      ...{ job: { id }, pid: undefined },
      kill: (reason: string) => killed.push(reason),
      locate: async () => ({ at: 'idle', waitingFor: [] }),
    }) as unknown as JobRun

  it('are cancelled also where that was asked before they came; of such calls a hundred are remembered', () => {
    const jobs = new RunningJobs()
    const killed: string[] = []
    const cancel = (id: string): void => handleControl(`cancel ${id}`, jobs, {} as never, keepingLogger().log)
    cancel('a')
    jobs.add(run('a', killed))
    jobs.add(run('a', killed))
    assert.deepEqual(killed, ['cancelled'], 'once')
    for (let n = 0; n <= 100; n += 1) cancel(`other ${n}`)
    jobs.add(run('other 5', killed))
    assert.deepEqual(killed, ['cancelled'])
  })

  it('are asked where they are; a job of another worker is not', async () => {
    const { log, lines } = keepingLogger()
    await logStacks([], log)
    await logStacks([run('j')], log)
    assert.match(lines.join(''), /no job runs here[^]*job j in process \? is /)
    const jobs = new RunningJobs()
    jobs.add(run('j'))
    const answers: string[] = []
    const stacks = {
      answer: async (request: string, text: string) => {
        answers.push(`${request} ${text}`)
        throw new Error('away')
      },
    } as never
    handleControl('stack other r0', jobs, stacks, log)
    handleControl('stack j r1', jobs, stacks, log)
    handleControl('dance j', jobs, stacks, log)
    await eventually(() => lines.join('').includes('cannot be sent'))
    assert.deepEqual(answers, ['r1 {"where":{"at":"idle","waitingFor":[]}}'])
  })
})

describe('what a job says of itself', () => {
  it('is its last lines and its last progress, each written only where there is one', async () => {
    const { log, lines } = keepingLogger()
    const written: unknown[] = []
    const store = {
      jobs: {
        note: async (_: string, note: unknown) => void written.push(note),
        addLog: async (_: string, added: string[]) => void written.push(added),
      },
    } as unknown as Store
    const writer = (logLines: number): ProgressWriter =>
      new ProgressWriter(store, log, 'j', { logLines, logLineBytes: 100, recordTtlMs: 1000 })
    const both = writer(2)
    for (const line of ['a', 'b', 'c']) both.line(line)
    await both.close()
    both.progress(1, 2, 'half')
    await both.close()
    await both.close()
    const none = writer(0)
    none.line('kept by none')
    await none.close()
    assert.deepEqual(written, [['b', 'c'], { progress: '1/2 half' }])
    const broken = { jobs: { note: () => Promise.reject(new Error('away')) } } as unknown as Store
    const failing = new ProgressWriter(broken, log, 'j', { logLines: 1, logLineBytes: 1, recordTtlMs: 1 })
    failing.progress(1, 2, '')
    await failing.close()
    assert.match(lines.join(''), /job j: its log cannot be written: Error: away/)
  })
})
