// Signals as Resque has them, the deadline, and one worker taking over from another.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { readPidfile } from '../../cli/pidfile.ts'
import { leavesNoProcess } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { isAlive } from '../support/signal.ts'
import { eventually } from '../support/wait.ts'
import { push, startWorker, untilState, useEvidence, useStore } from './support.ts'

const server = useRedis()
const evidence = useEvidence()
const to = useStore(server)
leavesNoProcess({ withinMs: 20_000 })

const begun = (tag: string, times = 1): Promise<unknown> =>
  eventually(() => evidence.lines('begin', tag).length >= times, { timeoutMs: 60_000, what: `${tag} to begin` })

describe('signals', () => {
  it('QUIT finishes what runs, takes nothing more, and leaves', async () => {
    const worker = await startWorker(server, evidence)
    const id = await push(to.store, 'Records', ['a', 500])
    await begun('a')
    const next = await push(to.store, 'Records', ['b'])
    assert.equal((await worker.stop('SIGQUIT')).exitCode, 0)
    assert.equal((await to.store.jobs.find(id))?.state, 'done')
    assert.equal((await to.store.jobs.find(next))?.state, 'waiting')
    assert.deepEqual(await to.store.workers.list(), [])
  })

  it('QUIT waits as long as it is told, and a job may run as long: forty days are not none', async () => {
    const env = { RUNTIME_WORKER_LEASE_MS: '40 days', RUNTIME_WORKER_SHUTDOWN_TIMEOUT_MS: '40 days' }
    const worker = await startWorker(server, evidence, { env })
    const id = await push(to.store, 'Records', ['long', 300], { timeout: '40 days' })
    await begun('long')
    const { stderr } = await worker.stop('SIGQUIT')
    assert.equal((await to.store.jobs.find(id))?.state, 'done', stderr)
    assert.doesNotMatch(stderr, /lease of .* lost/)
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal} tells jobs to stop, and puts them back uncounted at the head of their queue`, async () => {
      const worker = await startWorker(server, evidence)
      const id = await push(to.store, 'Polite', ['p'])
      await begun('p')
      await push(to.store, 'Records', ['behind'])
      assert.equal((await worker.stop(signal)).exitCode, 0)
      const record = await to.store.jobs.find(id)
      assert.equal(evidence.lines('aborted', 'p').length, 1)
      assert.equal(record?.state, 'waiting')
      assert.equal(record?.attempt, '0')
      assert.match((await to.store.queues.peek('q'))[0] ?? '', /Polite/)
    })
  }

  it('a second INT leaves at once, jobs put back', async () => {
    const worker = await startWorker(server, evidence, { env: { RUNTIME_WORKER_TERM_TIMEOUT_MS: '10m' } })
    const id = await push(to.store, 'IgnoresTerm', ['i'], { timeout: '1h' })
    await begun('i')
    worker.kill('SIGINT')
    await worker.waitForLine(/got a signal: terminate/)
    assert.equal((await worker.stop('SIGINT')).exitCode, 0)
    assert.equal((await to.store.jobs.find(id))?.state, 'waiting')
  })

  it('QUIT has a deadline, after which it does what TERM does', async () => {
    const worker = await startWorker(server, evidence, { env: { RUNTIME_WORKER_SHUTDOWN_TIMEOUT_MS: '300' } })
    const id = await push(to.store, 'Waits', ['w'])
    await begun('w')
    assert.equal((await worker.stop('SIGQUIT')).exitCode, 0)
    assert.equal((await to.store.jobs.find(id))?.state, 'waiting')
  })

  it('USR1 kills the job and carries on; USR2 and CONT stop and go on taking jobs', async () => {
    const worker = await startWorker(server, evidence)
    const id = await push(to.store, 'Waits', ['k'])
    await begun('k')
    worker.kill('SIGUSR1')
    const record = await untilState(to.store, id, 'failed')
    assert.match(record.error ?? '', /DirtyExit/)
    worker.kill('SIGUSR2')
    await worker.waitForLine(/got a signal: pause/)
    const paused = await push(to.store, 'Records', ['later'])
    const from = performance.now()
    await eventually(() => performance.now() - from > 500, { intervalMs: 100 })
    assert.equal((await to.store.jobs.find(paused))?.state, 'waiting')
    worker.kill('SIGCONT')
    await untilState(to.store, paused, 'done')
    await worker.stop('SIGQUIT')
  })
})

describe('runtime work --replace', () => {
  it('takes no other process for the worker of the file, whatever its title', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'test-pidfile-')), 'worker.pid')
    const stranger = spawn('sleep', ['60'], { argv0: 'resque-0.1.0: runtime work', stdio: 'ignore' })
    writeFileSync(file, `${stranger.pid}\n`)
    assert.equal(readPidfile(file), undefined)
    stranger.kill('SIGKILL')
    writeFileSync(file, `${process.pid}\n`)
    assert.equal(readPidfile(file), undefined, 'a new container begins with the pids of the old one')
    rmSync(dirname(file), { recursive: true })
  })

  it('tells the old worker to leave only once the new one works; the file is the new one’s', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'test-replace-'))
    const file = join(dir, 'worker.pid')
    const old = await startWorker(server, evidence, { isolation: 'inline', args: ['--pidfile', file] })
    await eventually(() => readFileSync(file, 'utf8').trim() === String(old.pid), {
      what: 'the old one to write its file',
    })
    const id = await push(to.store, 'Records', ['long', 2000])
    await begun('long')
    const next = await startWorker(server, evidence, { isolation: 'inline', args: ['--replace', file] })
    await old.waitForLine(/got a signal: quit/)
    await eventually(() => readFileSync(file, 'utf8').trim() === String(next.pid), { what: 'the new one to write it' })
    await untilState(to.store, await push(to.store, 'Records', ['during']), 'done')
    assert.equal((await old.exited).exitCode, 0)
    assert.equal((await to.store.jobs.find(id))?.state, 'done', 'the old one finished its job')
    assert.ok(isAlive(next.pid) && existsSync(file), 'the old one leaves the file alone')
    await next.stop('SIGQUIT')
    assert.ok(!existsSync(file))
    rmSync(dir, { recursive: true })
  })
})
