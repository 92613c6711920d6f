// How the verdict puts what the overview has read.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Overview } from '../../runtime/inspect/overview.ts'
import { findProblems } from '../../runtime/inspect/problems.ts'

const minute = 60_000

describe('the verdict', () => {
  const quiet: Overview = {
    ...{ atMs: 1e12, latencyMs: 1, queues: [], pausedAll: false, workers: [], otherWorkers: 1, lost: [] },
    ...{ slots: { total: 0, busy: 0 }, failed: 0, unread: [] },
    scheduler: {
      ...{ leader: 'a:1', entries: 0, late: [], missed: { count: 0, entries: [] } },
      overdue: { count: 0, isExact: true, sinceMs: undefined },
    },
    redis: { usedMemoryBytes: 1, maxmemoryBytes: 0, maxmemoryPolicy: 'noeviction', role: 'master' },
    archive: {
      ...{ keep: 'redis', max: 10, length: 0, dropped: 0, taken: 0, takenAtMs: 0 },
      ...{ oldestAtMs: undefined, trouble: '' },
    },
  }
  const queue = { name: 'mail', size: 3, oldestMs: 14 * minute, paused: false, workers: 0 }

  it('is empty when all is quiet', () => {
    assert.deepEqual(findProblems(quiet), [])
    assert.deepEqual(findProblems({ ...quiet, queues: [{ ...queue, oldestMs: minute, workers: 1 }] }), [])
  })

  it('puts the worst first, and says where to look', () => {
    const found = findProblems({
      ...quiet,
      queues: [
        { ...queue, name: 'still', paused: true },
        { ...queue, name: 'slow', workers: 2 },
        { ...queue, name: 'young', oldestMs: 1000 },
        { ...queue, name: 'ruby', oldestMs: undefined },
        queue,
      ],
      redis: { ...quiet.redis, usedMemoryBytes: 99, maxmemoryBytes: 100 },
    })
    assert.deepEqual(
      found.map(({ text }) => text),
      [
        'Redis uses 99 B of 100 B: enqueueing fails when it is full',
        'mail waits 14m: no worker serves it',
        'young waits 1.0s: no worker serves it',
        'queue ruby has 3 jobs: no worker serves it',
        'slow waits 14m: 3 jobs for 2 workers',
        'still waits 14m: it is paused',
      ],
    )
    assert.deepEqual([found[1]?.page, found[1]?.name, found[1]?.severity], ['queues', 'mail', 'bad'])
  })
  it('reports Redis, workers and the schedule by how bad each is', () => {
    const worker = { id: 'w', host: 'a', pid: '1', queues: 'q', slots: 1, busy: 0, leaseLeftMs: -5 * minute }
    const lost = [{ id: 'x', atMs: 1e12 - minute }]
    const overdue = { count: 5, isExact: false, sinceMs: 1e12 - 2 * minute }
    const late = [{ name: 'tick', dueMs: 1e12 - 3 * minute }]
    const texts = (seen: Partial<Overview>): string[] => findProblems({ ...quiet, ...seen }).map(({ text }) => text)
    assert.deepEqual(
      texts({ redis: { ...quiet.redis, role: 'slave', maxmemoryPolicy: 'allkeys-lru' }, latencyMs: 300 }),
      [
        'this Redis is a replica: nothing can be written',
        'maxmemory-policy is allkeys-lru: Redis removes jobs when its memory is full',
        'Redis takes 300ms to answer',
      ],
    )
    const dead = 'worker a:1 has sent no heartbeat: its lease expired 5m ago'
    const live = { ...worker, leaseLeftMs: 1 }
    assert.deepEqual(texts({ workers: [live, worker] }), [dead])
    assert.deepEqual(texts({ workers: [live, { ...worker, busy: 2 }] }), [`${dead}; 2 of its jobs wait to be requeued`])
    assert.deepEqual(texts({ lost }), ['1 worker lost in the last hour, the last 1m ago'])
    assert.deepEqual(texts({ lost: [...lost, ...lost] }), ['2 workers lost in the last hour, the last 1m ago'])
    assert.deepEqual(texts({ otherWorkers: 0, pausedAll: true }), ['all workers are paused', 'no worker runs'])
    const scheduler = { ...quiet.scheduler, entries: 2, late, overdue }
    assert.deepEqual(texts({ scheduler }), [
      'overdue: more than 5 delayed jobs, the first for 2m',
      'tick was due 3m ago and has not fired',
    ])
    const more = { ...scheduler, late: [...late, ...late, ...late], overdue: { ...overdue, isExact: true } }
    assert.deepEqual(texts({ scheduler: more }), [
      'overdue: 5 delayed jobs, the first for 2m',
      'tick was due 3m ago and has not fired, and 2 more',
    ])
    assert.deepEqual(texts({ archive: { ...quiet.archive, keep: 'postgres' } }), [])
    const behind = { ...quiet.archive, keep: 'postgres' as const, length: 9, trouble: 'no route' }
    assert.deepEqual(texts({ archive: behind }), ['9 archive records not yet in PostgreSQL: no route'])
    const slow = [{ ...queue, workers: 1, oldestMs: 3 * minute }]
    const found = findProblems({ ...quiet, queues: slow }, { queueAgeMs: { mail: minute }, latencyMs: 1, memory: 1 })
    assert.equal(found.length, 1)
    assert.deepEqual(findProblems({ ...quiet, queues: slow }, { queueAgeMs: {}, latencyMs: 1, memory: 1 }), [])
  })

  it('reports an archive that is behind, and attempts of which many more fail than before', () => {
    const texts = (seen: Partial<Overview>): string[] => findProblems({ ...quiet, ...seen }).map(({ text }) => text)
    const archive = { ...quiet.archive, keep: 'postgres' as const, length: 9, dropped: 2, trouble: 'no route' }
    assert.deepEqual(texts({ archive }), ['9 archive records not yet in PostgreSQL, 2 dropped: no route'])
    const ends = (failed: number, ended = 100): { ended: number; failed: number } => ({ ended, failed })
    const failures = { now: ends(12), before: ends(3), yesterday: ends(0, 0) }
    assert.deepEqual(texts({ failures }), [
      '12.0 % of attempts failed in the last hour, 3.0 % in the hour before, none in the same hour yesterday',
    ])
    for (const now of [ends(8), ends(10, 19)]) assert.deepEqual(texts({ failures: { ...failures, now } }), [])
    assert.equal(texts({ failures: { ...failures, before: ends(10) } }).length, 0)
    assert.equal(texts({ failures: { now: ends(60), before: ends(60), yesterday: ends(60) } }).length, 1)
  })
})
