import { execFileSync } from 'node:child_process'
import { PROGRAMS, type Peer } from '../peer.ts'

export const sidekiq: Peer = {
  id: 'sidekiq',
  name: 'Sidekiq',
  server: 'redis',
  settings:
    '`concurrency`; it looks for delayed jobs each second on average instead of each fifth; log level `WARN`, since it logs each job',
  version() {
    try {
      const print = 'require "sidekiq/version"; print Sidekiq::VERSION'
      return execFileSync('ruby', ['-e', print], { encoding: 'utf8', stdio: 'pipe' })
    } catch {
      return undefined
    }
  },
  install: 'script/bootstrap --compare',
  producer: { argv: ['ruby', 'sidekiq_peer.rb'], cwd: PROGRAMS },
  worker: (mode, concurrency) =>
    mode === 'inline'
      ? [
          {
            argv: ['sidekiq', '-e', 'production', '-q', 'bench', '-r', './sidekiq_peer.rb', '-c', String(concurrency)],
            cwd: PROGRAMS,
          },
        ]
      : undefined,
  can: { bulk: true, delay: true, flow: false },
  inlineRate: 8000,
  // It looks for delayed jobs first after up to five seconds.
  delayedAfterMs: 5000,
}
