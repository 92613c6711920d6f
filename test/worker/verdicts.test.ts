// How an end is judged and told: pure decisions, each by its own case.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { createLogger } from '../../runtime/core/logger.ts'
import { evidenceJson, evidenceText } from '../../runtime/store/queues/evidence-text.ts'
import type { RetryPolicy } from '../../runtime/messages.ts'
import { NEVER_SETTLED } from '../../runtime/worker/child/event-loop.ts'
import type { Ending } from '../../runtime/worker/launchers/launcher.ts'
import { uncaughtLine } from '../../runtime/worker/launchers/output-tail.ts'
import { decideEnd, decideUnready, type EndedAttempt, type Verdict } from '../../runtime/worker/outcome/cause.ts'
import { endForMetrics, logEnd, TimeLine } from '../../runtime/worker/outcome/end-log.ts'
import { evidenceOf } from '../../runtime/worker/outcome/evidence.ts'

const error = { name: 'Error', message: 'own', backtrace: ['at own (a.ts:1:1)'] }
const retry: RetryPolicy = {
  ...{ limit: 3, delayMs: 10, backoff: 'fixed', maxDelayMs: 1000, jitter: 0 },
  ...{ on: [], not: [] },
}
const ended = (ending: Partial<Ending>, more: Partial<EndedAttempt> = {}): EndedAttempt => ({
  ending: { pid: 7, exitCode: null, signal: null, started: true, output: [], ...ending },
  ...{ killed: undefined, where: undefined, attempt: 1, retry: undefined, timeoutMs: 2000 },
  ...{ memoryLimitBytes: 100 << 20, atMostOnce: false, redeliveries: 0, maxRedeliveries: 2, random: 0 },
  ...more,
})
const judged = (ending: Partial<Ending>, more?: Partial<EndedAttempt>): Verdict => decideEnd(ended(ending, more))
/** Cause and message of a failure. */
function failed(ending: Partial<Ending>, more?: Partial<EndedAttempt>): [cause: string, message: string] {
  const verdict = judged(ending, more)
  assert.ok(verdict.kind === 'failed', verdict.kind)
  return [verdict.cause, verdict.error.message]
}

describe('a death that the job could not report', () => {
  it('by a signal has its number, and the frames that were printed', () => {
    const verdict = judged({ signal: 'SIGKILL', output: ['starts', '  at f (a.ts:1:1)'] })
    const message = 'Child process received unhandled signal pid 7 SIGKILL (signal 9)'
    assert.deepEqual(verdict, {
      kind: 'failed',
      cause: 'signal',
      error: { name: 'Resque::DirtyExit', message, backtrace: ['at f (a.ts:1:1)'] },
    })
  })

  it('by abort is one of memory only where V8 said so', () => {
    const heap = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'
    assert.deepEqual(failed({ signal: 'SIGABRT', output: ['a line', heap] }, { memoryLimitBytes: undefined }), [
      'memory',
      'the heap was full; its process 7 was ended',
    ])
    assert.equal(failed({ signal: 'SIGABRT', output: ['a line'] })[0], 'signal')
    assert.equal(failed({ signal: 'SIGSEGV', output: [heap] })[0], 'signal')
  })

  it("by the kernel for the container's memory limit is one of memory, and names the limit", () => {
    assert.deepEqual(failed({ signal: 'SIGKILL' }, { memoryLimitBytes: undefined, containerBytes: 512 << 20 }), [
      'memory',
      'the container was at its memory limit of 512.0 MB, and the kernel ended it; give the job a memoryLimit; its process 7 was ended',
    ])
  })

  it('by the kernel for its processor time is a timeout', () => {
    assert.deepEqual(failed({ signal: 'SIGXCPU' }), [
      'timeout',
      'it used up its CPU time (cpuLimit); its process 7 was ended',
    ])
    assert.match(failed({ signal: 'SIGXCPU', pid: undefined })[1], /; its process \? was ended$/)
  })

  it('by an exit has its code, and the error that was printed last', () => {
    const output = [uncaughtLine('TypeError: x is not a function')]
    assert.deepEqual(failed({ exitCode: 3, output }), [
      'exit code',
      'Child process 7 exited with code 3 before the job ended: Uncaught TypeError: x is not a function',
    ])
    assert.equal(
      failed({ exitCode: null, pid: undefined })[1],
      'Child process ? exited with code ? before the job ended',
    )
  })

  it('by the worker has the place where the job was, and its frames where it reports none', () => {
    const where = { at: 'stack' as const, frames: ['loop (job.ts:9:3)', '… 2 frames of node'] }
    const verdict = judged({ signal: 'SIGKILL' }, { killed: 'timeout', where })
    assert.ok(verdict.kind === 'failed')
    assert.match(verdict.error.message, /^it ran longer than 2\.0s, .*job\.ts:9.*; its process 7 was ended$/)
    assert.deepEqual(verdict.error.backtrace, ['at loop (job.ts:9:3)', '… 2 frames of node'])
    const unknown = { at: 'unknown' as const, reason: 'gone' }
    assert.equal(
      failed({ signal: 'SIGKILL' }, { killed: 'memory', where: unknown })[1],
      'its processes used more than 100.0 MB; its process 7 was ended',
    )
    const own = judged({ outcome: { kind: 'failed', error } }, { killed: 'memory', where })
    assert.deepEqual(own.kind === 'failed' && own.error.backtrace, error.backtrace)
  })

  it('is retried by the policy of its class, by either name, and never when it may run once only', () => {
    const kill = { signal: 'SIGKILL' as const }
    const on = (name: string): string => judged(kill, { retry: { ...retry, on: [name] } }).kind
    assert.deepEqual(['DirtyExit', 'Resque::DirtyExit', 'TypeError'].map(on), ['retry', 'retry', 'failed'])
    assert.equal(judged(kill, { retry, atMostOnce: true }).kind, 'failed')
  })

  it('with the process that forks goes back so often, and not when it may run once only', () => {
    const lost = { signal: 'SIGKILL' as const, lostParent: 'SIGSEGV' }
    assert.deepEqual(judged(lost), { kind: 'requeued', redelivered: true })
    const [cause, message] = failed(lost, { redeliveries: 2 })
    assert.equal(cause, 'worker lost')
    assert.match(message, /died \(SIGSEGV\) while this job ran in process 7, for the 3\. time;/)
    assert.match(failed({ ...lost, pid: undefined }, { atMostOnce: true })[1], /ran in process \?;/)
    assert.equal(judged(lost, { killed: 'timeout' }).kind, 'failed')
  })

  it('before the job began, or at a shutdown, is none: it goes back, at a shutdown not when it may run once only', () => {
    assert.deepEqual(judged({ started: false }, { atMostOnce: true }), { kind: 'requeued' })
    assert.deepEqual(judged({ signal: 'SIGKILL' }, { killed: 'shutdown' }), { kind: 'requeued' })
    assert.equal(failed({ signal: 'SIGKILL' }, { killed: 'shutdown', atMostOnce: true })[0], 'signal')
  })
})

describe('an end that the job reported', () => {
  const done = { kind: 'done' as const, result: '1' }

  it('counts, unless it took longer than it may by its own clock', () => {
    const late = (ranMs: number | undefined): string =>
      judged({ outcome: done, ...(ranMs === undefined ? {} : { ranMs }) }, { killed: 'timeout' }).kind
    assert.deepEqual([2000, 2001, undefined].map(late), ['done', 'failed', 'failed'])
    assert.equal(judged({ outcome: { kind: 'held' } }, { killed: 'timeout' }).kind, 'held')
    assert.deepEqual(judged({ outcome: done }, { killed: 'shutdown' }), done)
    assert.deepEqual(judged({ outcome: { kind: 'done' } }), { kind: 'done' })
    assert.deepEqual(judged({ outcome: done }, { killed: 'lease lost' }), { kind: 'lost' })
    assert.deepEqual(judged({ outcome: { kind: 'failed', error } }, { killed: 'cancelled' }), { kind: 'cancelled' })
    const snoozed = { kind: 'snoozed' as const, delayMs: 5 }
    assert.deepEqual(judged({ outcome: snoozed }), snoozed)
  })

  it('as a failure has its error, its own delay and the fault of its backoff', () => {
    const outcome = { kind: 'failed' as const, error, retryInMs: 30, backoffFault: 'NaN' }
    assert.deepEqual(judged({ outcome }, { retry }), {
      ...{ kind: 'retry', delayMs: 30, cause: 'exception', error, backoffFault: 'NaN' },
    })
    assert.equal(judged({ outcome: { kind: 'failed', error } }, { retry }).kind, 'failed')
    const sound = { kind: 'failed' as const, error, retryInMs: 30 }
    assert.deepEqual(judged({ outcome: sound }), { kind: 'retry', delayMs: 30, cause: 'exception', error })
    const settled = { kind: 'failed' as const, error: { ...error, code: NEVER_SETTLED } }
    assert.equal(failed({ outcome: settled })[0], 'never settled')
  })
})

it('a job that could not be made ready fails, and goes back while Redis is away', () => {
  assert.deepEqual(decideUnready(new RuntimeError('ERR_REDIS', 'away')), { kind: 'requeued' })
  const verdict = decideUnready('no plan')
  assert.deepEqual(verdict.kind === 'failed' && [verdict.cause, verdict.error.message], ['exception', 'no plan'])
})

describe('the log', () => {
  const labels = { job: 'j', queue: 'q', attempt: 1 }
  function told(verdict: Verdict, level: 'debug' | 'info' = 'info'): string {
    const lines: string[] = []
    logEnd(createLogger({ level, format: 'text', write: (line) => lines.push(line) }), labels, verdict, { reserve: 1 })
    return lines.join('').replace(/^\S+ /, '')
  }

  it('names a failure, another attempt and a fault of retry.backoff, and what took no process of its own along', () => {
    const death = { cause: 'exception' as const, error: { ...error, message: 'two\n lines' } }
    assert.match(told({ kind: 'failed', ...death }), /^WARN {2}a queue item failed, exception: Error: two lines job=j/)
    assert.match(
      told({ kind: 'retry', delayMs: 30, ...death }),
      /^info {2}a queue item runs again in 30ms, exception: Error/,
    )
    const faulty = { kind: 'retry' as const, delayMs: 30, ...death, backoffFault: 'expected a number, got NaN' }
    assert.match(told(faulty), /^WARN .*; its retry\.backoff failed: expected a number, got NaN job=j/)
    assert.match(
      told({ kind: 'requeued', redelivered: true }),
      /^WARN .* goes back to its queue: the process that forks/,
    )
    assert.equal(told({ kind: 'requeued' }), '')
    assert.match(told({ kind: 'requeued' }, 'debug'), /a job ended: requeued/)
  })

  it('has the times of the parts that were reached', () => {
    const jsonOf = (spans: object): object => JSON.parse(JSON.stringify(spans)) as object
    const line = new TimeLine()
    assert.deepEqual(Object.keys(line.spans()), ['reserve'])
    line.launched()
    assert.deepEqual(Object.keys(line.spans()), ['reserve', 'fork'])
    line.started()
    assert.deepEqual(Object.keys(jsonOf(line.spans())), ['reserve', 'fork', 'perform', 'settle'])
    line.ended({ ranMs: 50, loadMs: 20 })
    const { load, perform } = line.spans()
    assert.deepEqual([load, perform], [20, 30])
  })

  it('and the metrics have a queue item that is no job', () => {
    assert.deepEqual(endForMetrics(labels, { kind: 'done' }, {}, undefined), {
      ...{ queue: 'q', className: 'a queue item', outcome: 'done', cause: '', runMs: 0 },
    })
    const more = endForMetrics(
      { ...labels, class: 'A' },
      { kind: 'failed', cause: 'memory', error },
      { wallMs: 5, waitedMs: 2 },
      1,
    )
    assert.deepEqual([more.className, more.cause, more.runMs, more.waitMs, more.forkMs], ['A', 'memory', 5, 2, 1])
  })
})

it('evidence has what is known, and memory only of a death of it', () => {
  const memory = { limitBytes: 1, looks: [] }
  const parts = { cause: undefined, wallMs: 10.4, enqueuedAtMs: 100, nowMs: 200, ending: undefined, watched: undefined }
  assert.deepEqual(evidenceOf({ ...parts, keepsOutput: true }), {
    ...{ cause: undefined, wallMs: 10, waitedMs: 90, where: undefined, memory: undefined },
  })
  const { ending } = ended({ cpuUserMs: 1.6, peakRssBytes: 5, output: ['x'] })
  const watched = { where: undefined, memory, peakSeenBytes: 9 } as never
  const seen = (cause: 'memory' | 'signal', keepsOutput: boolean): Record<string, unknown> =>
    evidenceOf({ ...parts, enqueuedAtMs: undefined, ending, watched, cause, keepsOutput })
  const { cpuUserMs, cpuSystemMs, peakRssBytes, output, waitedMs } = seen('memory', true)
  assert.deepEqual([cpuUserMs, cpuSystemMs, peakRssBytes, output, waitedMs], [2, 0, 9, ['x'], undefined])
  assert.deepEqual([seen('memory', true).memory, seen('signal', true).memory], [memory, undefined])
  assert.equal(seen('signal', false).output, undefined)
})

it('evidence of figures alone is kept in less than 64 bytes, and read as what it was; other evidence is kept as it is', () => {
  const timelineMs = { reserve: 1.2, fork: 6.1, perform: 1234.5, settle: 0 }
  const figures = {
    wallMs: 0,
    waitedMs: 86400000,
    pid: 4194304,
    exitCode: 0,
    cpuUserMs: 12,
    peakRssBytes: 52428800,
    timelineMs,
  }
  const text = evidenceText({ ...figures, cause: undefined, signal: null })
  assert.ok(text.length <= 64, text)
  assert.deepEqual(JSON.parse(evidenceJson(text)), figures)
  for (const more of [{ signal: 'SIGKILL' }, { output: ['x'] }, { cause: 'memory' }, { 'retry.backoff failed': 'x' }]) {
    const whole = { ...figures, ...more }
    assert.equal(evidenceText(whole), JSON.stringify(whole))
    assert.equal(evidenceJson(evidenceText(whole)), JSON.stringify(whole))
  }
})
