import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { findAppRoot } from '../../config/environment.ts'
import { loadConfig } from '../../config/load.ts'
import { app, load, problems, useApp, write } from './support.ts'

useApp()

describe('where settings come from', () => {
  it('without a file every setting has its default', () => {
    const config = load()
    assert.equal(config.namespace, 'resque')
    assert.equal(config.redis.url, undefined)
    assert.equal(config.file, undefined)
    assert.equal(config.worker.leaseMs, 30_000)
    assert.deepEqual(config.jobs.paths, [join(app, 'src/jobs')])
  })

  it('the shipped file says nothing but the defaults', () => {
    const shipped = loadConfig({ cwd: new URL('../..', import.meta.url).pathname, env: {} })
    assert.notEqual(shipped.file, undefined)
    const relative = (value: unknown, root: string): unknown => JSON.parse(JSON.stringify(value).replaceAll(root, ''))
    assert.deepEqual(relative({ ...shipped, file: '' }, shipped.root), relative({ ...load(), file: '' }, app))
  })

  it('flags win over environment over file over defaults', async () => {
    await write('config/runtime.yml', 'worker: { concurrency: 2, maxRedeliveries: 7, pollMs: 2s }\n')
    const config = load({
      env: { RUNTIME_WORKER_CONCURRENCY: '3', RUNTIME_WORKER_POLL_MS: '3s' },
      flags: { worker: { concurrency: 4, pollMs: undefined } },
    })
    assert.deepEqual(
      [config.worker.concurrency, config.worker.pollMs, config.worker.maxRedeliveries, config.worker.heartbeatMs],
      [4, 3000, 7, 5000],
    )
  })

  it('an entry with nothing behind its colon counts as not given', async () => {
    await write('config/runtime.yml', 'worker:\nmemory:\nlog:\n  level:\n')
    assert.equal(load().worker.concurrency, 1)
    assert.equal(load().memory, undefined)
  })

  it('another file can be named, and then has to be there', async () => {
    await write('config/other.yml', 'namespace: other\n')
    assert.equal(load({ file: 'config/other.yml' }).namespace, 'other')
    assert.equal(load({ env: { RUNTIME_CONFIG: 'config/other.yml' } }).namespace, 'other')
    assert.match(
      problems({ file: 'config/none.yml' }).join(),
      /config\/none.yml: expected a settings file .* got ENOENT/,
    )
  })

  it('preload and hooks are taken when they are there', async () => {
    assert.equal(load().jobs.hooks, undefined)
    await write('config/hooks.ts', '')
    await write('config/preload.js', '')
    assert.deepEqual(
      [load().jobs.hooks, load().jobs.preload],
      [join(app, 'config/hooks.ts'), join(app, 'config/preload.js')],
    )
  })

  it('the application is the nearest folder above with a settings file or a package.json', async () => {
    await write('src/deep/x.txt', '')
    assert.equal(findAppRoot(join(app, 'src/deep')), app)
    await write('src/config/runtime.yml', '')
    assert.equal(findAppRoot(join(app, 'src/deep')), join(app, 'src'))
  })

  it('is frozen to the bottom', () => {
    const config = load() as unknown as { worker: { queues: string[] } }
    assert.throws(() => config.worker.queues.push('x'), TypeError)
    assert.throws(() => (config.worker.queues = []), TypeError)
  })
})

describe("Resque's own environment names", () => {
  it('mean what they mean in Resque', () => {
    const config = load({
      env: {
        REDIS_URL: 'redis://h/3',
        QUEUE: 'low',
        QUEUES: 'high, low',
        COUNT: '5',
        INTERVAL: '0.5',
        FORK_PER_JOB: 'false',
        RESQUE_TERM_TIMEOUT: '2.5',
        GRACEFUL_TERM: '0',
        LOCK_TIMEOUT: '60',
        VVERBOSE: '1',
      },
    })
    assert.deepEqual(config.worker.queues, ['high', 'low'])
    assert.equal(config.redis.url, 'redis://h/3')
    const { concurrency, pollMs, drain, isolation, termTimeoutMs, gracefulTerm } = config.worker
    assert.deepEqual(
      [concurrency, pollMs, drain, isolation, termTimeoutMs, gracefulTerm],
      [5, 500, false, 'inline', 2500, true],
    )
    assert.deepEqual([config.scheduler.lockTtlMs, config.log.level], [60_000, 'debug'])
  })

  it('INTERVAL=0 leaves when the queues are empty; our own name wins over the older one', () => {
    assert.equal(load({ env: { INTERVAL: '0' } }).worker.drain, true)
    assert.equal(load({ env: { REDIS_URL: 'redis://a', RUNTIME_REDIS_URL: 'redis://b' } }).redis.url, 'redis://b')
    assert.equal(load({ env: { FORK_PER_JOB: 'true', QUEUE: '' } }).worker.isolation, 'auto')
  })

  it('an empty QUEUES is refused, as in Resque', () => {
    assert.match(
      problems({ env: { QUEUES: '', QUEUE: 'low' } }).join(),
      /^QUEUES: worker.queues: expected a list .* got ""/,
    )
  })
})
