// What anybody can push to a queue: it goes to the failed list whole, and the worker goes on.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { makeApp, removesApps } from '../support/app.ts'
import { runCommand } from '../support/command.ts'
import { leavesNoProcess, runCli } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'

leavesNoProcess()
removesApps()
const server = useRedis()

const jobs = `
import { Job } from 'resque-runtime'
export class LengthJob extends Job {
  static queue = 'low'
  static keepResult = '1h'
  perform(...args) { console.log('length ' + JSON.stringify(args).length) }
}`

/** Pushes entries as a foreign producer would, a good one last, and works them off: by default without a process for each job. */
async function workOff(
  entries: string[],
  args: string[] = ['--isolation', 'inline'],
): Promise<{ stdout: string; failed: any[]; texts: string[] }> {
  const redis = server.client()
  await redis.sadd('resque:queues', 'low')
  await redis.rpush('resque:queue:low', ...entries, '{"class":"LengthJob","args":["the last"]}')
  const cwd = await makeApp({ 'src/jobs/length-job.js': jobs })
  const exit = await runCli(['work', '--redis', server.url, '--drain', ...args], { cwd, timeoutMs: 90_000 })
  assert.equal(exit.exitCode, 0, exit.stderr)
  assert.match(exit.stdout, /^length 12$/m, `the worker went on to the last job: ${exit.stderr}`)
  assert.equal(await redis.llen('resque:queue:low'), 0)
  const texts = await redis.lrange('resque:failed', 0, -1)
  return { stdout: exit.stdout, failed: texts.map((text) => JSON.parse(text)), texts }
}

describe('queue entries that are no jobs', () => {
  it('fail whole, each with what is wrong with it', async () => {
    const entries = [
      'no json',
      '',
      '[]',
      '5',
      'null',
      '"text"',
      '{"args":[1]}',
      '{"class":null}',
      '{"class":5,"args":[]}',
      '{"class":"LengthJob"',
    ]
    const { failed } = await workOff(entries)
    // All take the form of a job: Ruby's web page needs an object, and its requeue of many needs a class.
    const payloadOf = (entry: string): unknown => ({ class: '(garbage)', args: [entry] })
    assert.deepEqual(
      failed.map(({ payload, exception, cause, queue }) => [payload, exception, cause, queue]),
      entries.map((entry) => [payloadOf(entry), 'GarbageError', 'garbage', 'low']),
    )
    assert.match(failed[0].error, /not JSON/)
    assert.match(failed[6].error, /expected "class" to be a class name, got nothing/)
  })

  it('of a class that is not there say so, in words Resque has, and keep their bytes', async () => {
    const names = ['NoSuchJob', '__proto__', 'constructor', 'toString', '../../etc/passwd', 'Job', 'no-such-job']
    const { failed, texts } = await workOff(
      names.map((name) => `{"class": "${name}" , "args":[1.0, {"id": 12345678901234567890}]}`),
    )
    assert.deepEqual(
      failed.map(({ exception, cause, error }) => [exception, cause, error.split(':')[0]]),
      names.map((name) => ['NameError', 'unknown class', `uninitialized constant ${name}`]),
    )
    for (const [i, text] of texts.entries()) {
      assert.ok(text.includes(`"payload":{"class": "${names[i]}" , "args":[1.0, {"id": 12345678901234567890}]}`), text)
    }
  })
})

describe('what is known of a job', () => {
  it('may be garbage: the job fails, or runs without it, and is not lost', async () => {
    const redis = server.client()
    const cwd = await makeApp({ 'src/jobs/length-job.js': jobs })
    const ids = []
    for (const argument of ['"options"', '"delivery"', '"type"']) {
      const args = ['enqueue', 'LengthJob', argument, '--redis', server.url]
      ids.push((await runCommand(args, { cwd, timeoutMs: 60_000 })).stdout.trim())
    }
    const [options, delivery, type] = ids.map((id) => `resque:rt:job:${id}`) as [string, string, string]
    await redis.hset(options, 'options', '{broken')
    await redis.hset(delivery, 'delivery', 'many')
    await redis.del(type)
    await redis.set(type, 'no record')
    const { failed, stdout } = await workOff([])
    assert.match(stdout, /^length 12$\n^length 8$/m)
    assert.deepEqual(
      failed.map(({ payload, cause, exception }) => [payload.args, cause, exception]),
      [[['options'], 'exception', 'SyntaxError']],
    )
  })
})

it("finds a class by Resque's dashed name", async () => {
  const { failed, stdout } = await workOff(['{"class":"length-job","args":[true]}'])
  assert.match(stdout, /^length 6$/m)
  assert.deepEqual(failed, [])
})

it('tells the log of each failure, with its cause', async () => {
  const cwd = await makeApp({ 'src/jobs/length-job.js': jobs })
  await server.client().rpush('resque:queue:low', 'no json', '{"class":"NoSuchJob","args":[]}')
  const { stderr } = await runCli(['work', '--queues', 'low', '--redis', server.url, '--drain'], {
    cwd,
    env: { RUNTIME_LOG_FORMAT: 'text' },
    timeoutMs: 60_000,
  })
  assert.match(stderr, /WARN {2}a queue item failed, garbage: GarbageError: .* job=\w+ queue=low attempt=1/)
  assert.match(stderr, /WARN {2}NoSuchJob failed, unknown class: NameError: /)
})

describe('arguments of a size nobody expects', () => {
  for (const isolation of ['fork', 'spawn', 'inline']) {
    it(`reach the job whole (${isolation})`, async () => {
      const text = 'ä'.repeat(2.5 * 1024 ** 2)
      const { stdout, failed } = await workOff([`{"class":"LengthJob","args":["${text}"]}`], ['--isolation', isolation])
      assert.deepEqual(failed, [])
      assert.match(stdout, new RegExp(`^length ${text.length + 4}$`, 'm'))
    })
  }

  it('or depth either run or fail, and stop nobody', async () => {
    const deep = (levels: number): string => `{"class":"LengthJob","args":[${'['.repeat(levels)}${']'.repeat(levels)}]}`
    const { failed } = await workOff([deep(1000), deep(100_000), deep(1_000_000)], ['--isolation', 'fork'])
    for (const { exception } of failed) assert.match(exception, /RangeError|GarbageError|DirtyExit/)
  })
})
