// Entries of the archive's stream as records: whatever a client wrote there, what can be read is shown.
import assert from 'node:assert/strict'
import { it } from 'node:test'
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
