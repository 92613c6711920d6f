import { node, packageVersion, PROGRAMS, ROOT, type Peer } from '../peer.ts'

export const bullmq: Peer = {
  id: 'bullmq',
  name: 'BullMQ',
  server: 'redis',
  settings: '`concurrency`; a sandboxed processor where processes are reused',
  version: () => packageVersion(ROOT, 'bullmq'),
  install: 'npm ci',
  producer: node(PROGRAMS, 'bullmq.mjs', 'produce'),
  worker: (mode, concurrency) =>
    mode === 'inline' || mode === 'reused'
      ? [node(PROGRAMS, 'bullmq.mjs', 'work', mode, String(concurrency))]
      : undefined,
  can: { bulk: true, delay: true, flow: true },
  inlineRate: 18_000,
}
