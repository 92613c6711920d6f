import { node, NPM, packageVersion, type Peer } from '../peer.ts'

export const pgBoss: Peer = {
  id: 'pg-boss',
  name: 'pg-boss',
  server: 'postgres',
  settings:
    '`batchSize` of as many jobs as run at a time, `useListenNotify`, `burstWhenReadyExceeds: 1`, and its shortest intervals (0.5 and 1 s)',
  version: () => packageVersion(NPM, 'pg-boss'),
  install: 'npm ci --prefix bench/compare/npm',
  producer: node(NPM, 'pg-boss.mjs', 'produce'),
  worker: (mode, concurrency) =>
    mode === 'inline' ? [node(NPM, 'pg-boss.mjs', 'work', mode, String(concurrency))] : undefined,
  can: { bulk: true, delay: true, flow: true },
  // It sees its backlog in statistics that are made each second.
  warmUpMs: 3000,
  inlineRate: 6000,
}
