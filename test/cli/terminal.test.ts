// What people see on a terminal: tables that fit it, without colours where NO_COLOR asks for that, evidence in words.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { evidenceRows } from '../../runtime/inspect/evidence.ts'
import { printable } from '../../config/clip.ts'
import { fit } from '../../cli/table.ts'
import { createLogger } from '../../runtime/core/logger.ts'
import { leavesNoProcess, ROOT, runCli, startProcess } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'

const server = useRedis()
leavesNoProcess()

const failed = ['index', 'failed at', 'class', 'queue', 'cause', 'exception', 'error', 'retried']
const row = ['12', '2026/01/01 00:00:00 UTC', 'ImportJob', 'default', 'exception', 'Error', 'no luck '.repeat(7), '-']

describe('a table', () => {
  it('is whole where there is room', () => {
    assert.equal(fit(failed, [row], 200).shown.length, 8)
  })

  it('fits 80 columns: without empty columns, without those that matter least, the widest clipped', () => {
    const { shown, widths } = fit(failed, [row], 80, ['retried', 'failed at', 'queue'])
    assert.deepEqual(
      shown.map((i) => failed[i]),
      ['index', 'class', 'queue', 'cause', 'exception', 'error'],
    )
    assert.equal(
      widths.reduce((sum, width) => sum + width + 3, 1),
      80,
    )
  })

  it('shows moments whole or not at all, and the first column always', () => {
    const { shown } = fit(['id', 'at'], [['x'.repeat(30), row[1] ?? '']], 40)
    assert.deepEqual(shown, [0])
  })
})

it('evidence is in words', () => {
  const evidence = {
    cause: 'memory',
    wallMs: 1200,
    pid: 7,
    exitCode: null,
    peakRssBytes: 268435456,
    output: ['a', 'b'],
  }
  assert.deepEqual(evidenceRows(evidence), [
    ['ran for', '1.2s'],
    ['process', '7'],
    ['peak memory', '256.0 MB'],
    ['printed last', 'a\nb'],
  ])
})

it('on a terminal of 80 columns no line is longer, --wide shows all, NO_COLOR shows no colour', async () => {
  const [failedAt, className, queue] = [row[1], 'ImportJob', 'default']
  const payload = { class: className, args: [] }
  const entry = {
    failed_at: failedAt,
    payload,
    exception: 'Error',
    error: row[6],
    backtrace: [],
    worker: 'a:1:*',
    queue,
  }
  await server.client().rpush('resque:failed', JSON.stringify(entry))
  const onTerminal = async (env: Record<string, string>, ...args: string[]): Promise<string> => {
    const command = `stty cols 80; exec ${process.execPath} ${ROOT}bin/runtime.js failed list ${args.join(' ')}`
    const exit = await startProcess('script', ['-qec', command, '/dev/null'], {
      env: { REDIS_URL: server.url, TERM: 'xterm', CI: undefined, ...env },
      timeoutMs: 60_000,
    }).exited
    return exit.stdout
  }
  const bare = await onTerminal({ NO_COLOR: '1' })
  assert.ok(!bare.includes('\x1b['))
  assert.match(bare, /not shown: failed at, cause, retried; --wide shows all/)
  for (const line of bare.split(/\r?\n/)) assert.ok(line.length <= 80, line)
  const wide = await onTerminal({}, '--wide')
  assert.match(wide, /retried/)
  assert.ok(wide.includes('\x1b[1m'), 'bold')
})

describe('control characters', () => {
  const title = '\x1b]0;owned\x07'
  const odd = `${title}\x1b[2J\0\r\x9b1m\x7f`
  // eslint-disable-next-line no-control-regex -- what a terminal must never get
  const control = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/

  it('are shown, not passed on', () => {
    assert.equal(
      printable(`a\tb\n${odd}é🎉`),
      'a\tb\n\\u001b]0;owned\\u0007\\u001b[2J\\u0000\\u000d\\u009b1m\\u007fé🎉',
    )
    assert.deepEqual(JSON.parse(printable(JSON.stringify({ odd }))), { odd })
  })

  it('of a failed job do not reach the terminal, whatever command shows it', async () => {
    const payload = { class: `Odd${title}`, args: [odd] }
    const about = { failed_at: row[1], exception: `E${title}`, error: odd, backtrace: [`at ${odd}`], worker: 'a:1:*' }
    await server.client().rpush('resque:failed', JSON.stringify({ ...about, payload, queue: `q${title}` }))
    const env = { REDIS_URL: server.url }
    for (const args of [
      ['failed', 'show', '-1'],
      ['failed', 'list'],
      ['failed', 'show', '-1', '--json'],
      ['job', 'show', title],
    ]) {
      const { stdout, stderr } = await runCli(args, { env })
      assert.ok(`${stdout}${stderr}`.includes('\\u001b]0;owned'), args.join(' '))
      assert.doesNotMatch(`${stdout}${stderr}`, control)
    }
  })

  it('of a job’s error do not reach the log for people', () => {
    const lines: string[] = []
    createLogger({ level: 'info', format: 'text', write: (text) => lines.push(text) }).warn(`job failed: ${odd}`, {
      odd,
    })
    assert.doesNotMatch(lines.join(''), control)
  })
})
