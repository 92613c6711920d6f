// `runtime top` in a real terminal emulator: its keys, a change of size, and what it leaves when it ends.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { leavesNoProcess, ROOT } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { push, startWorker, untilState, useEvidence, useStore, workerApp } from '../worker/support.ts'

const server = useRedis()
const evidence = useEvidence()
const to = useStore(server)
leavesNoProcess({ withinMs: 20_000 })

const dir = mkdtempSync(join(tmpdir(), 'test-tmux-'))
const tmux = (...args: string[]): string =>
  execFileSync('tmux', ['-S', join(dir, 'socket'), '-f', '/dev/null', ...args], { encoding: 'utf8' })
const screen = (): string => tmux('capture-pane', '-p', '-t', 'top')
const shows = (pattern: RegExp): Promise<string> =>
  eventually(
    () => {
      const text = screen()
      return pattern.test(text) ? text : undefined
    },
    { timeoutMs: 20_000, intervalMs: 50, what: `${pattern} on the screen` },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${screen()}`)
  })
const isAlternate = (): boolean => tmux('display-message', '-p', '-t', 'top', '#{alternate_on}').trim() === '1'
const keys = (...list: string[]): string => tmux('send-keys', '-t', 'top', ...list)
after(() => {
  spawnSync('tmux', ['-S', join(dir, 'socket'), 'kill-server'])
  rmSync(dir, { recursive: true, force: true })
})

const hasTmux = spawnSync('tmux', ['-V']).status === 0
const options = hasTmux ? {} : { skip: 'no tmux on the PATH: run script/bootstrap --test' }

it('runtime top in tmux: pause, stack, cancel and retry, another size, and a terminal as it was', options, async () => {
  const worker = await startWorker(server, evidence, { isolation: 'spawn' })
  const job = await push(to.store, 'Records', ['long', 60_000])
  await untilState(to.store, job, 'running')
  const failure = { payload: { class: 'Records', args: ['again'] }, exception: 'E', error: 'no', queue: 'q2' }
  await server.client().rpush('resque:failed', JSON.stringify(failure))
  await push(to.store, 'Records', ['x'], { queue: 'unserved' })

  const command = `${process.execPath} ${join(ROOT, 'bin/runtime.js')} top --redis ${server.url}`
  tmux('new-session', '-d', '-s', 'top', '-x', '80', '-y', '24', '-c', workerApp, 'sh')
  keys(`PS1='ready> '; echo before; ${command}`, 'Enter')
  const first = await shows(/\[q\] quit/)
  assert.ok(isAlternate())
  assert.ok(first.split('\n').every((line) => line.length <= 80))
  assert.match(first, /unserved/)

  keys('p')
  await shows(/pause queue \S+\? \[y\/n\]/)
  keys('y')
  await shows(/paused /)
  assert.equal((await to.store.queues.paused()).length, 1)

  tmux('resize-window', '-t', 'top', '-x', '120', '-y', '40')
  await shows(/^QUEUE/m)
  assert.equal(tmux('display-message', '-p', '-t', 'top', '#{window_width}x#{window_height}').trim(), '120x40')
  assert.equal(screen().match(/^QUEUE/gm)?.length, 1, 'one frame')

  keys('Tab', 's')
  await shows(/any key returns/)
  keys('Space')
  await shows(/\[q\] quit/)
  keys('c')
  await shows(/cancel Records \S+\? \[y\/n\]/)
  keys('y')
  await untilState(to.store, job, 'cancelled')
  keys('Tab', 'r')
  await shows(/retry all failed Records with E/)
  keys('y')
  await shows(/retried 1/)

  keys('q')
  await shows(/^ready>\s*$/m)
  assert.ok(!isAlternate())
  assert.match(screen(), /before/)
  keys('stty -a | grep -o "[-]*echo "; echo over', 'Enter')
  assert.match(await shows(/^over$/m), /^echo/m)
  await worker.stop('SIGTERM')
})

it('runtime top in tmux: ended by TERM, the terminal is as it was', options, async () => {
  tmux('new-session', '-d', '-s', 'second', '-x', '80', '-y', '24', '-c', workerApp, 'sh')
  tmux('kill-session', '-t', 'top')
  tmux('rename-session', '-t', 'second', 'top')
  keys(`PS1='ready> '; ${process.execPath} ${join(ROOT, 'bin/runtime.js')} top --redis ${server.url}`, 'Enter')
  await shows(/\[q\] quit/)
  const shell = tmux('display-message', '-p', '-t', 'top', '#{pane_pid}').trim()
  const top = execFileSync('ps', ['--ppid', shell, '-o', 'pid='], { encoding: 'utf8' }).trim()
  process.kill(Number(top), 'SIGTERM')
  await shows(/^ready>\s*$/m)
  assert.ok(!isAlternate())
})
