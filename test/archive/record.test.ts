// Entries of the archive's stream as records: whatever a client wrote there, what can be read is shown.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ArchiveQuery } from '../../runtime/archive/archive.ts'
import { RedisArchive } from '../../runtime/archive/redis-archive.ts'
import type { Store } from '../../runtime/store/store.ts'
import { readRecord } from '../../runtime/archive/record.ts'

const read = (fields: Record<string, string>): ReturnType<typeof readRecord> => readRecord({ entry: '1-0', fields })

it('what is no end of a job, step or run is left out', () => {
  const job = { id: 'j1', kind: 'job', state: 'done' }
  assert.equal(read(job)?.id, 'j1')
  for (const [name, value] of [['kind', 'cat'], ['state', 'running']] as const) assert.equal(read({ ...job, [name]: value }), undefined) // prettier-ignore
  assert.equal(read({ kind: 'job', state: 'done' }), undefined)
})

it('a job without a payload has no class, and times only where they are numbers', () => {
  const bare = read({ id: 'j1', kind: 'job', state: 'failed' })
  assert.deepEqual(bare, {
    id: 'j1',
    kind: 'job',
    outcome: 'failed',
    class: '?',
    endedAtMs: 0,
    attempts: 1,
    details: {},
  })
  assert.equal(read({ id: 'j1', kind: 'job', state: 'failed', class: 'A', item: 'no JSON' })?.class, 'A')
  const times = { enqueued_at: '5', run_at: 'soon', ended_at: '9' }
  const timed = read({ id: 'j1', kind: 'job', state: 'done', ...times, evidence: '{"cpuUserMs":3,"wallMs":null}' })
  assert.deepEqual([timed?.enqueuedAtMs, timed?.startedAtMs, timed?.waitMs, timed?.cpuMs, timed?.runMs], [5, undefined, undefined, 3, undefined]) // prettier-ignore
  const system = read({
    id: 'j1',
    kind: 'job',
    state: 'done',
    enqueued_at: '9',
    run_at: '5',
    evidence: '{"cpuSystemMs":4}',
  })
  assert.deepEqual([system?.waitMs, system?.cpuMs], [0, 4], 'a clock that went back waits no negative time')
})

it('a step has its run’s globals under its own params, whatever these are', () => {
  const step = { id: 's1', kind: 'step', state: 'done', run: 'r1' }
  assert.deepEqual([read(step)?.class, read(step)?.args], ['?', '[{}]'])
  const given = { ...step, class: 'S', globals: '{"a":1,"b":1}', params: '{"b":2}' }
  assert.equal(read(given)?.args, '[{"a":1,"b":2}]')
  assert.equal(read({ ...given, globals: '[1]', params: 'no JSON' })?.args, '[{}]')
})

it('arguments of a run that were cut are measured, not shown', () => {
  const run = { id: 'r1', kind: 'workflow', status: 'stopped', created_at: '1', started_at: '3', total: '2' }
  const whole = read({ ...run, class: 'Flow', ended_at: '8', args: '[1]' })
  assert.deepEqual([whole?.args, whole?.waitMs, whole?.runMs, whole?.details.nodes], ['[1]', 2, 5, { total: 2, finished: 0, failed: 0, skipped: 0 }]) // prettier-ignore
  const cut = read({ ...run, args: '[1,"é' })
  assert.deepEqual([cut?.class, cut?.args, cut?.details.omitted, cut?.runMs], ['?', undefined, { args: 6 }, 0])
  const omitted = read({ ...run, args: '[1,', args_bytes: '4000', output_bytes: '9' })?.details.omitted
  assert.deepEqual(omitted, { args: 4000, output: 9 })
  assert.deepEqual(read({ ...run, log: '"x"', attempts: '{}', error: 'no JSON' })?.details.log, [])
})

describe('the archive in Redis', () => {
  /** An archive of these entries, latest first. */
  const archive = (...all: Record<string, string>[]): RedisArchive =>
    new RedisArchive({
      page: async () => all.map((fields, at) => ({ entry: `${at}-0`, fields: { ended_at: '5', ...fields } })),
    } as unknown as Store['archive'])
  const entry = (id: string, more: Record<string, string>): Record<string, string> => ({
    ...{ id, kind: 'job', class: 'A', state: 'done', attempt: '1' },
    ...more,
  })
  const kept = archive(
    entry('step', { kind: 'step', run: 'r', node: '2' }),
    entry('dead', { state: 'failed', cause: 'timeout', class: 'B' }),
    { id: 'foreign' },
    entry('dead', { state: 'done' }),
    entry('plain', {}),
  )

  it('finds by kind, cause, run and node, each record once, and passes over what is none', async () => {
    const found = async (query: ArchiveQuery): Promise<string[]> =>
      (await kept.search(query, 10)).map(({ id, outcome }) => `${id} ${outcome}`)
    assert.deepEqual(await found({}), ['step done', 'dead failed', 'plain done'])
    assert.deepEqual(await found({ kind: 'step' }), ['step done'])
    assert.deepEqual(await found({ cause: 'timeout' }), ['dead failed'])
    assert.deepEqual(await found({ runId: 'r' }), ['step done'])
    assert.deepEqual(await found({ runId: 'r', node: '3' }), [])
    assert.deepEqual(await kept.counted({ kind: 'job' }), { count: 2, isExact: true })
    assert.deepEqual(await kept.counted({}, 0), { count: 0, isExact: false })
  })

  it('has classes of as many ends in the order of their names', async () => {
    const stats = await archive(
      entry('1', { class: 'B' }),
      entry('2', { class: 'A' }),
      entry('3', { class: 'C' }),
      entry('4', { class: 'C' }),
    ).stats({})
    assert.deepEqual(
      stats.map(({ class: name, count }) => [name, count]),
      [
        ['C', 2],
        ['A', 1],
        ['B', 1],
      ],
    )
  })
})
