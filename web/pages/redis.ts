import { html } from 'hono/html'
import { formatBytes } from '../../runtime/core/size.ts'
import type { ArchiveState } from '../../runtime/store/archive.ts'
import type { ServerHealth } from '../../runtime/store/connection/health.ts'
import { boundOf } from '../../runtime/store/key-bounds.ts'
import { readParts, searchMs } from '../deadline.ts'
import { badge, bar, code, facts, lasting, section, table, time } from '../view/parts.ts'
import { count } from '../view/text.ts'
import type { Html, Page, PageRequest } from '../request.ts'

const shownKeys = 25

/** The Redis server, and what takes its memory. */
export async function redisPage(request: PageRequest): Promise<Page> {
  const { health, archive } = request.store
  const { server, largest, kept, latencyMs, missing } = await readParts({
    server: () => health.server(),
    largest: () => health.largestKeys(shownKeys, searchMs),
    kept: () => archive.state(),
    latencyMs: async () => {
      const sentAt = performance.now()
      await health.pausedAll()
      return performance.now() - sentAt
    },
  })
  const body = html`${section(
    'Server',
    server === undefined ? html`<p class="none">unknown</p>` : serverFacts(server, latencyMs),
  )}
  ${kept === undefined ? '' : section('Archive', archiveFacts(kept, request.nowMs))}
  ${section(
    largest && !largest.complete ? `Largest keys among ${count(largest.looked)} looked at` : 'Largest keys',
    table(
      'Largest keys',
      ['Size#', 'Key', 'Expires#', 'What limits its size'],
      (largest?.keys ?? []).map(({ name, bytes, ttlSeconds }) => [
        formatBytes(bytes),
        code(name, 120),
        ttlSeconds >= 0 ? lasting(ttlSeconds * 1000) : 'never',
        inCode(boundOf(name)) ?? badge('not of this runtime', 'warn'),
      ]),
      'There are no keys.',
    ),
  )}`
  return { title: 'Redis', body, missing }
}

function serverFacts(server: ServerHealth, latencyMs: number | undefined): Html {
  const limit = server.maxmemoryBytes
  return facts([
    ['Version', server.version],
    ['Role', server.role],
    [
      'Memory',
      html`${formatBytes(server.usedMemoryBytes)}${limit > 0 ? html` of ${formatBytes(limit)} ${bar(server.usedMemoryBytes / limit, server.usedMemoryBytes > 0.9 * limit ? 'bad' : 'good')}` : ', no limit'}`,
    ],
    [
      'Eviction',
      server.maxmemoryPolicy === 'noeviction'
        ? html`noeviction ${badge('good', 'good')}`
        : html`${server.maxmemoryPolicy} ${badge('jobs may be evicted', 'bad')}`,
    ],
    [
      'Append-only file',
      server.appendonly ? badge('on', 'good') : badge('off: jobs are lost if Redis crashes', 'warn'),
    ],
    ['Latency', latencyMs === undefined ? undefined : `${latencyMs.toFixed(1)} ms`],
  ])
}

function archiveFacts(kept: ArchiveState, nowMs: number): Html {
  return facts([
    ['Kept in', kept.keep === 'redis' ? 'Redis' : 'PostgreSQL'],
    [
      kept.keep === 'redis' ? 'Records' : 'Waiting for PostgreSQL',
      html`${count(kept.length)} of at most ${count(kept.max)}`,
    ],
    ['Dropped', kept.dropped > 0 ? badge(count(kept.dropped), 'bad') : undefined],
    ['Last written', kept.takenAtMs === 0 ? undefined : time(kept.takenAtMs, nowMs)],
    ['Trouble', kept.trouble],
  ])
}

/** A sentence whose commands stand in backticks. */
const inCode = (text: string | undefined): Html | undefined =>
  text === undefined
    ? undefined
    : html`${text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part))}`
