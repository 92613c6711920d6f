import { node, packageVersion, PROGRAMS, ROOT, type Peer } from '../peer.ts'

export const nodeResque: Peer = {
  id: 'node-resque',
  name: 'node-resque',
  server: 'redis',
  settings:
    'as many workers in one process as jobs at a time, and a scheduler; `timeout: 100` instead of 5000, since it polls',
  version: () => packageVersion(ROOT, 'node-resque'),
  install: 'npm ci',
  producer: node(PROGRAMS, 'node-resque.mjs', 'produce'),
  worker: (mode, concurrency) =>
    mode === 'inline' ? [node(PROGRAMS, 'node-resque.mjs', 'work', mode, String(concurrency))] : undefined,
  can: { bulk: false, delay: true, flow: false },
  inlineRate: 6000,
}
