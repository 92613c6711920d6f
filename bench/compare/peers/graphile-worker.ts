import { node, NPM, packageVersion, type Peer } from '../peer.ts'

export const graphileWorker: Peer = {
  id: 'graphile-worker',
  name: 'Graphile Worker',
  server: 'postgres',
  settings:
    '`concurrentJobs`, and of its page on performance `localQueue.size: 500`, `completeJobBatchDelay: 0`, `failJobBatchDelay: 0`, with which a worker that is killed leaves up to 500 jobs locked for four hours; `pollInterval: 500`',
  version: () => packageVersion(NPM, 'graphile-worker'),
  install: 'npm ci --prefix bench/compare/npm',
  producer: node(NPM, 'graphile-worker.mjs', 'produce'),
  worker: (mode, concurrency) =>
    mode === 'inline' ? [node(NPM, 'graphile-worker.mjs', 'work', mode, String(concurrency))] : undefined,
  can: { bulk: true, delay: true, flow: false },
  inlineRate: 20_000,
}
