import { spawn, type ChildProcess } from 'node:child_process'
import { createConnection } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { RuntimeError } from '../runtime/core/errors.ts'

/**
 * Runs the server beside a watcher that waits for the end of standard input. The other end of that pipe is held by this
 * process alone, so the kernel closes it however this process dies, SIGKILL included, and the server stops.
 * `read` is built in: no further process waits. The server's number is the first line on standard output.
 */
const WRAPPER = `
exec 3<&0
"$@" </dev/null 3<&- & server=$!
echo $server
(read -r _ <&3; kill -TERM $server) >/dev/null 2>&1 & watcher=$!
wait $server; status=$?
kill $watcher 2>/dev/null
exit $status`

/** Where a server listens. */
export type RedisEndpoint = { path: string } | { host: string; port: number }

/** A redis-server of ours that runs. */
export interface RedisProcess {
  /** Of redis-server itself. */
  readonly pid: number
  /** Resolves when it has gone, with how: `exit code 0`, `SIGKILL`. Never rejects. */
  readonly exited: Promise<string>
  kill(signal: NodeJS.Signals): void
  /** TERM, on which it writes its data, and after `graceMs` KILL. Resolves when it has gone; a second call is harmless. */
  stop(graceMs?: number): Promise<void>
}

/**
 * Starts a redis-server and resolves when it answers. It does not outlive this process, and is in no terminal's
 * foreground group: Ctrl-C reaches those who use it first.
 * @param args its own options, which make it listen at `endpoint`
 * @throws RuntimeError ERR_REDIS, with what the server said
 */
export async function startRedisProcess(
  args: readonly string[],
  endpoint: RedisEndpoint,
  { binary = 'redis-server', readyTimeoutMs = 15_000 } = {},
): Promise<RedisProcess> {
  const wrapper = spawn('/bin/sh', ['-c', WRAPPER, 'sh', binary, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const said: string[] = []
  for (const stream of [wrapper.stdout, wrapper.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => said.push(text) > 50 && said.shift())
  }
  const exited = new Promise<string>((resolve) => {
    wrapper.once('error', (error) => resolve(error.message))
    wrapper.once('exit', (code, signal) => resolve(signal ?? ending(code ?? 0)))
  })
  const pid = await firstNumber(wrapper, exited)
  const server = new Server(pid, exited)
  const ended = new AbortController()
  void exited.then(() => ended.abort())
  const failure = await Promise.race([
    whenAnswering(endpoint, readyTimeoutMs, ended.signal).then((ready) =>
      ready ? undefined : `no answer in ${readyTimeoutMs} ms`,
    ),
    exited.then((how) => `it ended: ${how}`),
  ])
  if (failure === undefined) return server
  await server.stop(0)
  const words = said.join('').trim().split('\n').slice(-5).join(' | ')
  throw new RuntimeError(
    'ERR_REDIS',
    `${binary}: expected it to start, got ${failure}; its output: ${words || 'nothing'}`,
  )
}

class Server implements RedisProcess {
  readonly pid: number
  readonly exited: Promise<string>
  private gone = false

  constructor(pid: number, exited: Promise<string>) {
    this.pid = pid
    this.exited = exited.finally(() => (this.gone = true))
  }

  kill(signal: NodeJS.Signals): void {
    if (this.gone || this.pid === 0) return
    try {
      process.kill(this.pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  async stop(graceMs = 10_000): Promise<void> {
    this.kill('SIGCONT')
    this.kill('SIGTERM')
    const timer = setTimeout(() => this.kill('SIGKILL'), graceMs)
    await this.exited
    clearTimeout(timer)
  }
}

/** The shell reports a signal as 128 + its number; 127 is a program that is not there. */
function ending(code: number): string {
  if (code === 127) return 'the program was not found'
  return code > 128 ? `signal ${code - 128}` : `exit code ${code}`
}

async function firstNumber(wrapper: ChildProcess, exited: Promise<string>): Promise<number> {
  const line = new Promise<string>((resolve) => wrapper.stdout?.once('data', (text: string) => resolve(text)))
  return Number.parseInt(await Promise.race([line, exited.then(() => '')]), 10) || 0
}

async function whenAnswering(endpoint: RedisEndpoint, timeoutMs: number, ended: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline && !ended.aborted) {
    if (await isRedisReady(endpoint)) return true
    await sleep(10)
  }
  return false
}

/** True when a Redis answers there and has its data loaded; one that asks for a password counts. */
export function isRedisReady(endpoint: RedisEndpoint, timeoutMs = 1000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(endpoint)
    const end = (result: boolean): void => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(timeoutMs, () => end(false))
    socket.once('error', () => end(false))
    socket.once('close', () => resolve(false))
    socket.once('connect', () => socket.write('PING\r\n'))
    socket.once('data', (reply) => end(/^(\+PONG|-NOAUTH|-NOPERM)/.test(reply.toString())))
  })
}
