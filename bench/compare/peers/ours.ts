import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { contestantsNode, node, PROGRAMS, ROOT, type Mode, type Peer } from '../peer.ts'

const FLAGS: Record<Mode, readonly string[]> = {
  fresh: ['--isolation', 'fork'],
  spawn: ['--isolation', 'spawn'],
  reused: ['--isolation', 'fork', '--jobs-per-child', '100'],
  inline: ['--isolation', 'inline'],
}

export const ours: Peer = {
  id: 'ours',
  name: 'resque-runtime',
  server: 'redis',
  settings: 'defaults; `--jobs-per-child 100` where processes are reused',
  version: () => (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version,
  install: 'npm ci',
  producer: node(PROGRAMS, 'ours.mjs'),
  worker: (mode, concurrency) => [
    {
      argv: [
        contestantsNode(),
        join(ROOT, 'bin/runtime.js'),
        ...['work', '--queues', 'bench', '--concurrency', String(concurrency), ...FLAGS[mode]],
      ],
      cwd: join(PROGRAMS, '../app'),
    },
  ],
  can: { bulk: true, delay: true, flow: true },
  inlineRate: 12_000,
}
