// `runtime doctor`: where things are, why they do not move, what to do.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { machine } from '../../config/machine.ts'
import { machineFindings } from '../../cli/platform.ts'
import { keyTemplates } from '../../runtime/store/keys.ts'
import { boundOf } from '../../runtime/store/key-bounds.ts'
import { runCommand } from '../support/command.ts'
import { leavesNoProcess } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { push, startWorker, untilState, useEvidence, useStore, workerApp } from '../worker/support.ts'

const server = useRedis()
const evidence = useEvidence()
const to = useStore(server)
leavesNoProcess({ withinMs: 20_000 })

interface Finding {
  level: string
  what: string
  cure?: string
}

async function doctor(...args: string[]): Promise<{ findings: Finding[]; text: string; exitCode: number | null }> {
  const options = { cwd: workerApp, env: { REDIS_URL: server.url }, timeoutMs: 60_000 }
  const { stdout, stderr, exitCode } = await runCommand(['doctor', '--json', ...args], options)
  return { findings: stdout === '' ? [] : (JSON.parse(stdout) as Finding[]), text: stdout + stderr, exitCode }
}

describe('doctor', () => {
  it('names settings of Redis that would lose jobs, queues without a worker, and what bounds the largest keys', async () => {
    await server.client().config('SET', 'maxmemory-policy', 'allkeys-lru')
    await push(to.store, 'Records', ['x'], { queue: 'unserved' })
    await server.client().set('resque:resque_scheduler_leader_lock', 'vm-12')
    const taken = await push(to.store, 'Records', ['taken'], { queue: 'taken', uniqueKey: 'u' })
    await server.client().lpop('resque:queue:taken')
    const run = { id: 'stuck', className: 'Flow', kinds: [{ class: 'A', queue: 'gone' }], ttlMs: 60_000 }
    await to.store.runs.create({ ...run, nodes: [{ kind: 0, parents: [] }] }, Date.now())
    await to.store.runs.start('stuck', Date.now())
    await server.client().del('resque:queue:gone')
    const { findings, exitCode } = await doctor()
    await server.client().config('SET', 'maxmemory-policy', 'noeviction')
    assert.equal(exitCode, 1)
    const bad = findings.filter((finding) => finding.level === 'bad')
    assert.ok(bad.some(({ what, cure }) => /allkeys-lru/.test(what) && /noeviction/.test(cure ?? '')))
    assert.ok(
      bad.some(({ what, cure }) => /run stuck: job 0 waits/.test(what) && cure === 'runtime workflow continue stuck'),
    )
    assert.ok(bad.some(({ what, cure }) => /queue unserved: 1 wait/.test(what) && /runtime work/.test(cure ?? '')))
    assert.ok(findings.some(({ what }) => /^scheduler vm-12 of node-resque leads/.test(what)))
    assert.ok(findings.every(({ what }) => !what.startsWith('no scheduler leads')))
    assert.ok(
      findings.some(({ what }) => what.startsWith(`unique lock u is stale: its job ${taken} is neither queued`)),
    )
    assert.ok(findings.some(({ what }) => /rt:job:.*limits\.waitingTtlMs/.test(what)))
  })

  it('--platform says on one screen what the machine and its Redis give', async () => {
    const { findings, text, exitCode } = await doctor('--platform')
    const texts = findings.map(({ what }) => what)
    for (const expected of [
      /^Node v\d+.* on linux/,
      /^jobs (can be forked: all checks|are not forked here)/,
      /huge pages/,
      /^limits: \w+ open files/,
      /memory .*processors .*; worker\.concurrency is 1/,
      /^Redis \d\S* at \S+redis\.sock \(REDIS_URL\), master, .*maxmemory-policy noeviction, nothing on disk/,
      /its clock is \d+ ms (ahead of|behind) this machine’s/,
    ])
      assert.ok(
        texts.some((what) => expected.test(what)),
        `${expected} in ${text}`,
      )
    assert.equal(exitCode, 0, text)
    assert.ok(findings.length < 20)
  })

  it('--platform goes by the container, and names what is too little', (t) => {
    const files: Record<string, string> = {
      '/proc/self/cgroup': '0::/\n',
      '/sys/fs/cgroup/cgroup.controllers': '',
      '/sys/fs/cgroup/memory.max': '268435456',
      '/sys/fs/cgroup/cpu.max': '150000 100000',
      '/proc/self/limits': 'Max processes  30  30  processes\nMax open files  90  90  files\n',
      '/proc/self/maps': '7f0-7f1 r-xp 0 08:01 1  /lib/ld-musl-x86_64.so.1',
    }
    t.mock.method(machine, 'file', (path: string) => files[path])
    t.mock.method(machine, 'exists', (path: string) => path in files)
    t.mock.method(machine, 'kernel', () => '5.10.0-9')
    t.mock.method(machine, 'processors', () => 8)
    const refusal = { reason: 'musl', cure: 'node:24-slim' }
    const found = machineFindings({ concurrency: 8 }, { refusal, tookMs: 1 })
    const texts = found.map(({ level, what, cure }) => `${level}: ${what} → ${cure}`).join('\n')
    for (const expected of [
      /kernel 5\.10\.0-9, musl/,
      /note: jobs are not forked here: musl → node:24-slim/,
      /note: no transparent huge pages/,
      /bad: 90 open files are too few for worker\.concurrency 8 → raise LimitNOFILE/,
      /note: 30 processes are few/,
      /\(v2\): memory 256\.0 MB \(of the container\), processors 1\.5 \(of the container\); worker\.concurrency is 8, auto means 1/,
      /note: with worker\.concurrency 8 there are 32\.0 MB of memory for each job/,
    ])
      assert.match(texts, expected)
  })

  it('names what schedulers and workers of other runtimes do with what is paused here, and zones that differ', async () => {
    const redis = server.client()
    await redis.set('resque:resque:resque_scheduler_master_lock', 'ruby:1', 'PX', 60_000)
    await to.store.schedules.setDynamic('nightly', '{"every":"1h","class":"A","queue":"q"}')
    await to.store.schedules.switch('nightly', { paused: true }, Date.now())
    await redis.sadd('resque:workers', 'vm:1765:slow,still')
    await to.store.queues.setPaused('slow', true)
    await redis.zadd('resque:rt:schedulers', Date.now() + 60_000, 'Europe/Berlin a:1', Date.now() + 60_000, 'UTC b:2')
    const texts = (await doctor()).findings.map(({ what }) => what)
    assert.ok(texts.some((what) => /^scheduler ruby:1 leads and is not of this runtime: .*\(nightly\)/.test(what)))
    assert.ok(texts.some((what) => /^worker vm:1765:slow,still is not of this runtime: .*\(slow\)/.test(what)))
    assert.ok(texts.some((what) => /different zones \(Europe\/Berlin, UTC\)/.test(what)))
    await redis.set('resque:resque_scheduler_leader_lock', 'vm-12')
    const { text } = await doctor('leader')
    assert.match(text, /scheduler vm-12 of node-resque leads/)
    await redis.del('resque:resque:resque_scheduler_master_lock')
    assert.match((await doctor('nightly')).text, /no scheduler that fires entries leads.*vm-12 of node-resque/s)
  })

  it('names a Ruby worker that was killed with a job in hand', async () => {
    const redis = server.client()
    const [dead, alive] = ['vm:1763:default', 'vm:1764:default']
    await redis.sadd('resque:workers', dead, alive)
    const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString()
    await redis.hset('resque:workers:heartbeat', { [dead]: minutesAgo(25), [alive]: minutesAgo(1) })
    const job = '{"queue":"default","run_at":"2026-11-21T21:52:16Z","payload":{"class":"SleepJob","args":[9]}}'
    await redis.mset(`resque:worker:${dead}`, job, `resque:worker:${alive}`, job)
    const { findings } = await doctor()
    const bad = findings.filter(({ level, what }) => level === 'bad' && what.startsWith('worker '))
    assert.equal(bad.length, 1)
    assert.match(bad[0]?.what ?? '', /^worker vm:1763:default is dead: last heartbeat 25m ago; its job is .*SleepJob/)
    const options = { cwd: workerApp, env: { REDIS_URL: server.url }, timeoutMs: 60_000 }
    const lines = (await runCommand(['workers'], options)).stdout.split('\n')
    assert.match(
      lines.find((line) => line.includes('1763')) ?? '',
      /dead, last heartbeat 25m ago; was \{"queue":"default"/,
    )
    assert.doesNotMatch(lines.find((line) => line.includes('1764')) ?? '', /dead/)
  })

  it('explains a job in each state, a queue and a worker', async () => {
    const waiting = await push(to.store, 'Records', ['w'], { queue: 'unserved' })
    await push(to.store, 'Records', ['paused'], { queue: 'still' })
    await to.store.queues.setPaused('still', true)
    const worker = await startWorker(server, evidence, { isolation: 'inline', concurrency: 2 })
    const running = await push(to.store, 'Waits', ['r'], { concurrency: { limit: 1, by: () => 'k' } })
    await untilState(to.store, running, 'running')
    await eventually(() => evidence.lines('begin', 'r').length === 1)
    const held = await push(to.store, 'Waits', ['h'], { concurrency: { limit: 1, by: () => 'k' } })
    await untilState(to.store, held, 'held')
    assert.match((await doctor(waiting)).text, /number 1 in queue unserved.*no worker takes from queue unserved/s)
    assert.match((await doctor('unserved')).text, /no worker takes from queue unserved/)
    assert.match((await doctor('still')).text, /runtime queues resume still/)
    assert.match((await doctor(running)).text, /is running on .*runtime job cancel/s)
    assert.match((await doctor(held)).text, new RegExp(`number 1 in the line of limit Waits:k.*${running}`))
    assert.match((await doctor(String(worker.pid))).text, /runs .*Waits/)
    assert.match((await doctor('leader')).text, /the scheduler lock is free/)
    const nothing = await doctor('no-such-thing')
    assert.equal(nothing.exitCode, 1)
    assert.match(nothing.text, /nothing has this name/)
    worker.kill('SIGKILL')
    await worker.exited
    const later = await eventually(
      async () => {
        const { text } = await doctor(running)
        return /has sent no heartbeat/.test(text) ? text : undefined
      },
      { timeoutMs: 30_000 },
    )
    assert.match(later, /requeues the job/)
  })
})

describe('doctor of a schedule entry', () => {
  it('says when it fired and will, and what keeps it from firing', async () => {
    const about = { kind: 'job', target: 'Waits', reads: 'every 30 minutes', overlap: 'skip', enabled: true }
    const { schedules } = to.store
    await schedules.describe(new Map([['hourly', JSON.stringify({ ...about, next: Date.now() + 60_000 })]]))
    await schedules.switch('hourly', { paused: true }, Date.now())
    const busy = await push(to.store, 'Waits', [], { queue: 'unserved' })
    await server.client().hset('resque:rt:schedule:hourly', 'job', busy, 'missed', 3, 'missed_reason', 'no leader')
    const { text, exitCode } = await doctor('hourly')
    assert.match(text, /schedule entry hourly \(every 30 minutes, job Waits\): never fired, next in (1m|\d\ds)/)
    assert.match(text, /it is paused.*runtime schedule resume hourly/)
    assert.match(text, /no scheduler that fires entries leads/)
    assert.match(text, new RegExp(`the next firing is skipped.*runtime doctor ${busy}`))
    assert.match(text, /missed 3 firings: no leader/)
    assert.equal(exitCode, 1)
  })
})

describe('bounds', () => {
  it('are known for every key', () => {
    const without = Object.values(keyTemplates).filter(
      (template) => boundOf(template.replaceAll(/\{\w+\}/g, 'x')) === undefined,
    )
    assert.deepEqual(without, [])
  })
})
