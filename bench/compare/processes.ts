// The processes of a peer: its producer, with which one speaks in lines of JSON, and its worker. Both are ended with all that they started.
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface, type Interface } from 'node:readline'
import { childrenOf } from '../processes.ts'
import type { Command } from './peer.ts'

export interface Place {
  /** Of the server that the peer uses. */
  url: string
  /** The path to which its jobs append. */
  ends: string
}

/** What still runs, for an end of this process before theirs. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) killTree(child)
})

function start({ argv: [program = '', ...args], cwd }: Command, place: Place): Started {
  const env = {
    ...process.env,
    BENCH_URL: place.url,
    BENCH_ENDS: place.ends,
    REDIS_URL: place.url,
    PYTHONDONTWRITEBYTECODE: '1',
  }
  const child = spawn(program, args, { cwd, env, stdio: 'pipe' })
  running.add(child)
  const started: Started = { child, said: '', gone: new Promise((resolve) => child.once('exit', resolve)) }
  child.once('error', (error) => (started.said += String(error)))
  child.stdin.on('error', () => undefined)
  child.stderr.on('data', (chunk: Buffer) => (started.said = (started.said + String(chunk)).slice(-2000)))
  return started
}

interface Started {
  child: ChildProcess
  /** The end of what it wrote to standard error. */
  said: string
  gone: Promise<unknown>
}

async function end({ child, gone }: Started): Promise<void> {
  killTree(child)
  if (child.pid !== undefined) await gone
  running.delete(child)
}

function killTree(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  for (const pid of treeOf(child.pid)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended with its parent.
    }
  }
}

/** A process and all that descends from it, parents first. */
function treeOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)]
}

/** A peer's producer, ready for orders. */
export class Producer {
  readonly #started: Started
  readonly #lines: Interface
  readonly #answers: AsyncIterator<string>

  private constructor(started: Started) {
    this.#started = started
    this.#lines = createInterface({ input: started.child.stdout as NodeJS.ReadableStream })
    this.#answers = this.#lines[Symbol.asyncIterator]()
  }

  static async start(command: Command, place: Place): Promise<Producer> {
    const producer = new Producer(start(command, place))
    await producer.#answer()
    return producer
  }

  /** Has the producer add jobs. @returns when it began, by the monotonic clock, and how long it took */
  async order(what: string, detail: Record<string, unknown> = {}): Promise<{ startedMs: number; ms: number }> {
    this.#started.child.stdin?.write(`${JSON.stringify({ what, ...detail })}\n`)
    const { startedNs, ms } = await this.#answer()
    return { startedMs: Number(startedNs) / 1e6, ms }
  }

  async #answer(): Promise<{ startedNs: string; ms: number }> {
    for (;;) {
      const { value, done } = await this.#answers.next()
      if (done === true) throw new Error(`the producer exited: ${lastLine(this.#started.said)}`)
      if (!value.startsWith('{')) continue
      const answer = JSON.parse(value) as { error?: string; startedNs: string; ms: number }
      if (answer.error !== undefined) throw new Error(answer.error)
      return answer
    }
  }

  async end(): Promise<void> {
    await end(this.#started)
    this.#lines.close()
  }
}

/** The processes of one worker. */
export class WorkerProcesses {
  readonly #started: readonly Started[]

  constructor(commands: readonly Command[], place: Place) {
    this.#started = commands.map((command) => start(command, place))
    for (const { child } of this.#started) child.stdout?.resume()
  }

  /** @throws if one of them has exited */
  check(): void {
    for (const { child, said } of this.#started)
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
        throw new Error(`the worker exited: ${lastLine(said)}`)
  }

  /** Megabytes of memory of them and all that they started: each page divided by the number of processes that share it. */
  megabytes(): number {
    const pids = this.#started.flatMap(({ child }) => treeOf(child.pid ?? 0))
    return pids.reduce((sum, pid) => sum + pssKb(pid), 0) / 1024
  }

  async end(): Promise<void> {
    await Promise.all(this.#started.map(end))
  }
}

function pssKb(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''
