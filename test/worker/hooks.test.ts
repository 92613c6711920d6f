// Worker hooks that report deaths and lost leases elsewhere: once each, beside the slots, with bounds on time and number.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { readFileSync, writeFileSync } from 'node:fs'
import { InlineLauncher } from '../../runtime/worker/launchers/inline.ts'
import { HookCalls } from '../../runtime/worker/outcome/hook-calls.ts'
import type { HookCall } from '../../runtime/messages.ts'
import { makeApp, removeApps } from '../support/app.ts'
import { leavesNoProcess } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { push, startWorker, untilState, useEvidence, useStore } from './support.ts'

const server = useRedis()
const evidence = useEvidence()
const to = useStore(server)
leavesNoProcess()

let app = ''
before(async () => {
  app = await makeApp({
    'config/runtime.yml': 'jobs: { paths: [src/jobs] }',
    'src/jobs/all.js': `
      import { Job } from 'resque-runtime'
      export class Slow extends Job { static timeout = 200; perform() { for (;;) {} } }
      export class Killed extends Job { perform() { process.kill(process.pid, 'SIGKILL') } }
      export class Throws extends Job { perform(text) { throw new RangeError(text) } }
      export class Again extends Job { static retry = { limit: 1, delay: 10, jitter: 0 }; perform() { throw new Error('twice') } }
      export class Prints extends Job { perform() { console.log('to stdout'); console.error('to stderr') } }
      export class Fine extends Job { perform() {} }
      export class Waits extends Job { perform() { return new Promise((done) => setTimeout(done, 60_000)) } }`,
    'config/hooks.js': `
      import { appendFileSync } from 'node:fs'
      const note = (about) => appendFileSync(process.env.EVIDENCE + '.json', JSON.stringify({ ...about, pid: process.pid }) + '\\n')
      export async function onDeath(job, cause, evidence) {
        await null
        note({ job, cause, evidence })
        if (job.error.message === 'hang') await new Promise((done) => setTimeout(done, 60_000))
        if (job.error.message === 'hook throws') throw new TypeError('no receiver')
      }
      export function onLeaseLost(worker) { note({ worker }) }`,
  })
  writeFileSync(`${evidence.file}.json`, '')
})
after(removeApps)

interface Call {
  pid: number
  job?: { id: string; class: string; attempt: number; error: { name: string; message: string } }
  cause?: string
  evidence?: Record<string, unknown>
  worker?: { id: string; queues: string[]; jobs: string[] }
}
const calls = (): Call[] =>
  readFileSync(`${evidence.file}.json`, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Call)
const callsFor = (...ids: string[]): Promise<Call[]> =>
  eventually(
    () => {
      const found = calls().filter(({ job }) => ids.includes(job?.id ?? ''))
      return found.length >= ids.length ? found : undefined
    },
    { timeoutMs: 30_000, what: 'the hook to be called' },
  )

it('fork: onDeath is called once for each failure, with its cause and evidence, and a hook that hangs delays nothing', async () => {
  const worker = await startWorker(server, evidence, { cwd: app })
  const ids = [await push(to.store, 'Slow', []), await push(to.store, 'Killed', []), await push(to.store, 'Again', [])]
  const found = await callsFor(...ids)
  assert.deepEqual(found.map(({ job, cause }) => [job?.class, cause, job?.error.name, job?.attempt]).sort(), [
    ['Again', 'exception', 'Error', 2],
    ['Killed', 'signal', 'Resque::DirtyExit', 1],
    ['Slow', 'timeout', 'TimeoutError', 1],
  ])
  const killed = found.find(({ job }) => job?.class === 'Killed')
  assert.equal(killed?.evidence?.['signal'], 'SIGKILL')
  assert.ok(![worker.pid, killed.evidence['pid']].includes(killed.pid), 'it has a process of its own')

  const throws = await push(to.store, 'Throws', ['hook throws'])
  await worker.waitForLine(new RegExp(`the onDeath hook, for ${throws}, failed: TypeError: no receiver`))
  const hang = await push(to.store, 'Throws', ['hang'])
  const [hung] = await callsFor(hang)
  await untilState(to.store, await push(to.store, 'Fine', []), 'done')
  await untilState(to.store, await push(to.store, 'Throws', ['after']), 'failed')
  assert.equal(calls().length, 5, 'one at a time')
  process.kill(hung?.pid ?? 0, 'SIGKILL')
  await worker.waitForLine(new RegExp(`the onDeath hook, for ${hang}, did not end: its process left with SIGKILL`))
  assert.equal((await worker.stop('SIGQUIT')).exitCode, 0)
  assert.equal(calls().length, 6, 'a worker that leaves calls what waits; no call came twice')
})

it('spawn: onLeaseLost is called when the lease was lost, with the jobs that were ended', async () => {
  const worker = await startWorker(server, evidence, {
    cwd: app,
    isolation: 'spawn',
    env: { RUNTIME_WORKER_LEASE_MS: '1000' },
  })
  const id = await push(to.store, 'Waits', [])
  await untilState(to.store, id, 'running')
  const [lease] = await to.store.supervisors.list()
  worker.kill('SIGSTOP')
  await eventually(() => Date.now() > (lease?.leaseEndsAtMs ?? 0) + 300, { what: 'the lease to run out' })
  worker.kill('SIGCONT')
  const [lost] = await eventually(
    () => {
      const found = calls().filter((call) => call.worker)
      return found.length > 0 ? found : undefined
    },
    { timeoutMs: 30_000, what: 'onLeaseLost to be called' },
  )
  assert.deepEqual(lost?.worker && { ...lost.worker, jobs: lost.worker.jobs.includes(id) }, {
    ...lost?.worker,
    id: lease?.id,
    queues: ['q'],
    jobs: true,
  })
  await worker.stop('SIGTERM')
})

for (const [jobOutput, shown, kept] of [
  ['inherit', true, false],
  ['capture', false, true],
  ['both', true, true],
] as const)
  it(`worker.jobOutput: ${jobOutput}`, async () => {
    const env = { RUNTIME_WORKER_JOB_OUTPUT: jobOutput }
    const worker = await startWorker(server, evidence, { cwd: app, env })
    const id = await push(to.store, 'Prints', [])
    const { evidence: text = '{}' } = await untilState(to.store, id, 'done')
    const output = (JSON.parse(text) as { output?: string[] }).output ?? []
    assert.deepEqual([...output].sort(), kept ? ['to stderr', 'to stdout'] : [])
    const { stdout, stderr } = await worker.stop('SIGQUIT')
    for (const line of ['to stdout', 'to stderr']) assert.equal((stdout + stderr).includes(line), shown, line)
  })

it('onDeath is called for jobs that failed without a worker of their own, by one worker that has the hook', async () => {
  const leaseMs = 300
  const item = '{"class":"Once","args":[]}'
  await to.store.supervisors.register('gone', ['h:1:q'], {}, leaseMs)
  await to.store.queues.push('lost', [{ id: 'lost1', className: 'Once', item, options: '{}' }], Date.now(), 60_000)
  const taken = await to.store.supervisors.reserve(
    'gone',
    { workers: ['h:1:q'], newId: 'unused' },
    ['lost'],
    Date.now(),
  )
  assert.ok(JSON.stringify(taken).includes('lost1'))
  const worker = await startWorker(server, evidence, {
    cwd: app,
    isolation: 'spawn',
    env: { RUNTIME_WORKER_MAX_REDELIVERIES: '0' },
  })
  const [call] = await callsFor('lost1')
  assert.deepEqual([call?.cause, call?.job?.class, call?.job?.error.name], ['worker lost', 'Once', 'WorkerLost'])
  assert.match(call?.job?.error.message ?? '', /did not gracefully exit/)

  await server.client().set('resque:queue:broken', 'no list')
  const job = { id: 'refused1', className: 'Once', item, queue: 'broken', dueMs: Date.now() + 50 }
  await to.store.delayed.add([job], Date.now(), 60_000)
  const [refused] = await callsFor('refused1')
  assert.deepEqual([refused?.cause, refused?.job?.error.name], ['no queue', 'NoQueueError'])
  await worker.stop('SIGQUIT')
  assert.equal(await server.client().llen('resque:rt:deaths'), 0)
})

it('inline: a hook that is too slow is given up, and a queue that overflows says so', async () => {
  const lines: string[] = []
  const heard: string[] = []
  const registry = { job: () => undefined, list: () => [] } as never
  const hooks = {
    onDeath: async ({ id }: { id: string }): Promise<void> => {
      heard.push(id)
      if (id === '1') await new Promise((resolve) => setTimeout(resolve, 60_000).unref())
    },
  }
  const launcher = new InlineLauncher({ root: app, paths: [] }, { registry, hooks })
  const log = { warn: (line: string) => lines.push(line) } as never
  const calls = new HookCalls({ log, launcher, worker: 'w', timeoutMs: 50, max: 2 })
  calls.learn((await launcher.start()).workerHooks)
  const error = { name: 'Error', message: 'm', backtrace: [] }
  const death = (id: string): HookCall => ({
    hook: 'onDeath',
    job: { id, class: 'A', queue: 'q', attempt: 1, error },
    cause: 'exception',
    evidence: {},
  })
  for (const id of ['1', '2', '3', '4', '5']) calls.add(death(id))
  calls.add({ hook: 'onLeaseLost', worker: { id: 'x', host: 'h', pid: 1, queues: [], jobs: [] } })
  await calls.close(10_000)
  assert.deepEqual(heard, ['1', '4', '5'])
  assert.deepEqual(lines, [
    'the onDeath hook, for 1, ran longer than 50ms and was ended',
    'hooks are too slow: dropped the oldest 2 calls; at most 2 wait',
  ])
  const leaving = new HookCalls({ log, launcher, worker: 'w' })
  leaving.learn(['onDeath'])
  for (const id of ['1', '6']) leaving.add(death(id))
  await leaving.close(50)
  assert.equal(
    lines[2],
    'the worker exits while a hook runs: the hook is killed, and 1 more calls of hooks are dropped',
  )
  assert.ok(!heard.includes('6'))
})
