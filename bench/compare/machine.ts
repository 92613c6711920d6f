import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { contestantsNode } from './peer.ts'
import { PYTHON } from './peers/rq.ts'
import { postgresProgram } from './servers.ts'

/** What the figures depend on. A program that is not there is left out. */
export function describeMachine(): Record<string, string> {
  const all: Record<string, string | undefined> = {
    processor: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores${virtual() ? ', in a virtual machine' : ''}`,
    memory: `${Math.round(totalmem() / 1024 ** 3)} GB`,
    kernel: `Linux ${release()}`,
    'load before the run': loadavg()[0]?.toFixed(1),
    'Node of all contestants': said(contestantsNode(), '--version'),
    Redis: /v=(\S+)/.exec(said('redis-server', '--version') ?? '')?.[1],
    PostgreSQL: /[\d.]+/.exec(said(postgresProgram(), '--version') ?? '')?.[0],
    Ruby: /[\d.]+/.exec(said('ruby', '--version') ?? '')?.[0],
    Python: /[\d.]+/.exec(said(PYTHON, '--version') ?? '')?.[0],
  }
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function said(program: string, ...args: string[]): string | undefined {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}

function virtual(): boolean {
  try {
    return /^flags.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'))
  } catch {
    return false
  }
}
