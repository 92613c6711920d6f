// The log file of a worker, and its name.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { openServiceLog } from '../../cli/log.ts'
import { loadConfig } from '../../config/load.ts'
import { leavesNoProcess, ROOT } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { launchWorker, push, untilState, useEvidence, useStore } from './support.ts'

const server = useRedis()
const evidence = useEvidence()
const to = useStore(server)
leavesNoProcess()
const dir = mkdtempSync(join(tmpdir(), 'test-log-'))
after(() => rmSync(dir, { recursive: true }))

const config = (file: string, env: Record<string, string> = {}) =>
  loadConfig({ cwd: ROOT, env: { RUNTIME_LOG_FILE: file, ...env } })
const read = (name: string): string => readFileSync(join(dir, name), 'utf8')

it('a worker has a name, and a log that may be renamed while it runs', async () => {
  const file = join(dir, 'worker.log')
  const worker = launchWorker(server, evidence, { isolation: 'fork', args: ['--name', 'etl-1', '--log-file', file] })
  await eventually(() => read('worker.log').includes('working on'), { timeoutMs: 60_000 })
  renameSync(file, join(dir, 'worker.log.1'))
  const id = await push(to.store, 'Records', ['a', 60_000], { timeout: '1s' })
  const pid = await eventually(async () => (await to.store.jobs.find(id))?.pid, { timeoutMs: 20_000 })
  assert.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /^resque-\d+\.\d+\.\d+: etl-1: Processing q since \d+ \[/)
  assert.deepEqual(
    (await to.store.workers.list()).map(({ name }) => name),
    ['etl-1'],
  )
  await untilState(to.store, id, 'failed')
  const lines = await eventually(() => read('worker.log'))
  assert.match(lines, /"worker":"etl-1",.*"msg":"Records failed, timeout/)
  assert.doesNotMatch(read('worker.log.1'), /failed/)
  assert.equal((await worker.stop('SIGQUIT')).stderr, '')
})

describe('a log file', () => {
  it('that cannot be written is refused, as is a wrong name', () => {
    const refused = (file: string, why: RegExp): void =>
      void assert.throws(() => openServiceLog(config(file)), { code: 'ERR_CONFIG', message: why })
    refused(join(dir, 'none/worker.log'), /none\/worker\.log \(ENOENT\); create its folder/)
    refused(dir, /\(no file\)/)
    assert.throws(() => config('x', { RUNTIME_WORKER_NAME: 'a b' }), /worker\.name: expected at most 64 letters/)
  })

  it('on a full disk does not stop its process: the lines go to standard error', (context) => {
    const written: string[] = []
    const { mock: write } = context.mock.method(process.stderr, 'write', (text: string) => written.push(text) > 0)
    const log = openServiceLog(config('/dev/full'), 'etl-1')
    log.warn('one')
    log.warn('two')
    write.restore()
    assert.equal(written.length, 3)
    assert.match(written[0] ?? '', /\/dev\/full: cannot be written \(ENOSPC\)/)
    assert.match(written[2] ?? '', /"worker":"etl-1","msg":"two"/)
  })
})
