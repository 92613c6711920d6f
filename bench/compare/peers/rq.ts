import { execFileSync } from 'node:child_process'
import { PROGRAMS, type Command, type Peer } from '../peer.ts'

/** Debian's Python: others on the PATH do not have its packages. */
export const PYTHON = '/usr/bin/python3'

const program = (...args: string[]): Command => ({ argv: [PYTHON, 'rq_peer.py', ...args], cwd: PROGRAMS })

export const rq: Peer = {
  id: 'rq',
  name: 'RQ',
  server: 'redis',
  settings:
    'a worker with the jobs imported before it forks, and its scheduler; one worker process for each job at a time; `SimpleWorker` where jobs run in the worker',
  version() {
    try {
      return execFileSync(PYTHON, ['-c', 'import rq; print(rq.VERSION)'], { encoding: 'utf8', stdio: 'pipe' }).trim()
    } catch {
      return undefined
    }
  },
  install: 'script/bootstrap --compare',
  producer: program('produce'),
  worker(mode, concurrency) {
    if (mode === 'fresh') return Array.from({ length: concurrency }, () => program('work', 'fresh'))
    return mode === 'inline' && concurrency === 1 ? [program('work', 'inline')] : undefined
  },
  can: { bulk: true, delay: true, flow: true },
  inlineRate: 2500,
}
