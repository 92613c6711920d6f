// The processes of a chaos run, and the hand that ends them: three supervisors, two schedulers, one Redis.
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { startCli, type Running } from '../support/process.ts'
import type { TestRedis } from '../support/redis.ts'
import { workerApp } from '../worker/support.ts'

/** What the hand can do. */
export const blows = [
  'child',
  'grandchild',
  'supervisor',
  'scheduler',
  'redis',
  'freeze supervisor',
  'freeze redis',
] as const
export type Blow = (typeof blows)[number]

/** Short, so that much happens in a minute. */
export const leaseMs = 1500
const settings = {
  RUNTIME_WORKER_HEARTBEAT_MS: '150',
  RUNTIME_WORKER_LEASE_MS: String(leaseMs),
  RUNTIME_WORKER_TERM_TIMEOUT_MS: '500',
  RUNTIME_WORKER_POLL_MS: '50',
  RUNTIME_WORKER_MAX_REDELIVERIES: '1000',
  RUNTIME_LIMITS_FAILED_MAX: '1000000',
  RUNTIME_SCHEDULER_LOCK_TTL_MS: '3000',
  RUNTIME_SCHEDULER_POLL_MS: '200',
  RUNTIME_LOG_LEVEL: 'warn',
}

/** A member that is started again whenever it has died, as a service manager would. */
class Member {
  readonly args: readonly string[]
  running: Running
  frozen = false
  #leaving = false
  readonly #start: () => Running

  constructor(args: readonly string[], start: (args: readonly string[]) => Running) {
    this.args = args
    this.#start = () => {
      const running = start(args)
      void running.exited.then(() => {
        if (!this.#leaving) this.running = this.#start()
      })
      return running
    }
    this.running = this.#start()
  }

  async kill(): Promise<void> {
    const dead = this.running
    dead.kill('SIGKILL')
    await dead.exited
  }

  async leave(signal: NodeJS.Signals): Promise<number | null> {
    this.#leaving = true
    return (await this.running.stop(signal)).exitCode
  }
}

export class Crew {
  readonly #server: TestRedis
  readonly supervisors: Member[]
  readonly #schedulers: Member[]
  readonly dealt = Object.fromEntries(blows.map((blow) => [blow, 0])) as Record<Blow, number>

  /** @param isolations one supervisor each; `fork*100`: with so many jobs in a process */
  constructor(server: TestRedis, evidence: string, isolations: readonly string[]) {
    this.#server = server
    const env = { ...settings, REDIS_URL: server.url, EVIDENCE: evidence }
    const start = (args: readonly string[]): Running => startCli(args, { cwd: workerApp, env })
    this.supervisors = isolations.map((kind, i) => {
      const [isolation = '', jobs = '1'] = kind.split('*')
      const concurrency = isolation === 'inline' ? '8' : '3'
      const flags = ['--isolation', isolation, '--concurrency', concurrency, '--jobs-per-child', jobs]
      return new Member(['work', '--queues', i === 0 ? 'q,limited' : '*', ...flags], start)
    })
    this.#schedulers = [0, 1].map(() => new Member(['scheduler'], start))
  }

  /** Deals one blow; `random` picks whom. @returns false when there was nobody to hit */
  async strike(blow: Blow, random: () => number): Promise<boolean> {
    const hit = await this.#strike(blow, random)
    if (hit) this.dealt[blow] += 1
    return hit
  }

  async #strike(blow: Blow, random: () => number): Promise<boolean> {
    const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)]
    const supervisor = pick(this.supervisors.filter((member) => !member.frozen))
    if (!supervisor) return false
    switch (blow) {
      case 'supervisor':
        await supervisor.kill()
        return true
      case 'scheduler':
        await pick(this.#schedulers)?.kill()
        return true
      case 'redis':
        await this.#server.kill('SIGKILL')
        await sleep(random() * 300)
        await this.#server.restart()
        return true
      case 'freeze redis': {
        await this.#server.kill('SIGSTOP')
        await sleep(random() < 0.3 ? leaseMs * 1.3 : random() * 300)
        await this.#server.kill('SIGCONT')
        return true
      }
      case 'freeze supervisor':
        void this.#freeze(supervisor, leaseMs * (1.1 + random()))
        return true
      default: {
        const children = childrenOf(supervisor.running.pid)
        const victim = pick(blow === 'child' ? children : children.flatMap(childrenOf))
        return victim !== undefined && killed(victim)
      }
    }
  }

  async #freeze(member: Member, ms: number): Promise<void> {
    member.frozen = true
    member.running.kill('SIGSTOP')
    await sleep(ms)
    member.running.kill('SIGCONT')
    member.frozen = false
  }

  /** Nobody is frozen any more. */
  async calm(): Promise<void> {
    while (this.supervisors.some((member) => member.frozen)) await sleep(20)
  }

  /** All leave politely. @returns their exit codes */
  async leave(): Promise<(number | null)[]> {
    const all = [...this.supervisors, ...this.#schedulers]
    return Promise.all(all.map((member) => member.leave('SIGQUIT')))
  }

  /** What its members said, for a test that failed. */
  get words(): string {
    return [...this.supervisors, ...this.#schedulers].map((m) => `${m.args.join(' ')}:\n${m.running.stderr}`).join('\n')
  }

  async end(): Promise<void> {
    for (const member of [...this.supervisors, ...this.#schedulers]) {
      member.running.kill('SIGCONT')
      await member.leave('SIGKILL')
    }
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}
