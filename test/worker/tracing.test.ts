// Traces and metrics of OpenTelemetry, with its Node SDK in every process and a receiver of OTLP here.
import assert from 'node:assert/strict'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { trace } from '@opentelemetry/api'
import { NodeSDK, tracing } from '@opentelemetry/sdk-node'
import { Job } from '../../runtime/index.ts'
import { testScheduler } from '../scheduler/support.ts'
import { makeApp, removeApps } from '../support/app.ts'
import { OtlpReceiver, type Span } from '../support/otlp.ts'
import { leavesNoProcess, ROOT } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { startWorker, untilState, useEvidence, useStore } from './support.ts'

const server = useRedis()
const evidence = useEvidence()
const to = useStore(server)
leavesNoProcess()

const receiver = new OtlpReceiver()
const own = new tracing.InMemorySpanExporter()
const sdk = new NodeSDK({
  spanProcessors: [new tracing.SimpleSpanProcessor(own)],
  metricReaders: [],
  logRecordProcessors: [],
})
/** Of the processes that start an SDK; the example under examples/tracing does it. */
const env = {
  OTEL_EXPORTER_OTLP_ENDPOINT: '',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_METRIC_EXPORT_INTERVAL: '200',
  OTEL_METRIC_EXPORT_TIMEOUT: '150',
  OTEL_LOGS_EXPORTER: 'none',
}
let app = ''

const jobs = `
  import { trace } from '@opentelemetry/api'
  import { Job, Workflow } from 'resque-runtime'
  const note = (name) => trace.getTracer('app').startActiveSpan(name, (span) => span.end())
  export class Step extends Job { static queue = 'q'; perform() { note('in step') } }
  export class Adds extends Job { static queue = 'q'; perform() { this.workflow.add(Step) } }
  export class Flow extends Workflow { configure() { this.run(Step, { after: this.run(Adds) }) } }
  export class Again extends Job {
    static queue = 'q'
    static retry = { limit: 1, delay: 50, jitter: 0 }
    async perform() {
      await new Promise((done) => setTimeout(done, 5))
      note('in job')
      if (this.attempt === 1) throw new RangeError('not yet')
      await (await Flow.create()).start()
    }
  }
  export class Killed extends Job { static queue = 'q'; perform() { process.kill(process.pid, 'SIGKILL') } }`

before(async () => {
  env.OTEL_EXPORTER_OTLP_ENDPOINT = await receiver.start()
  app = await makeApp({
    'config/runtime.yml': 'jobs: { paths: [src/jobs] }',
    'config/hooks.js': `export const afterFork = () => process.env.SDK === 'afterFork' && import('../tracing.cjs')`,
    'tracing.cjs': readFileSync(join(ROOT, 'examples/tracing/tracing.cjs'), 'utf8'),
    'src/jobs/all.js': jobs,
  })
  symlinkSync(join(ROOT, 'node_modules/@opentelemetry'), join(app, 'node_modules/@opentelemetry'), 'dir')
  sdk.start()
})
after(async () => {
  await sdk.shutdown()
  receiver.stop()
  await removeApps()
})

class Again extends Job {
  static override queue = 'q'
  override perform(): void {}
}
class Killed extends Job {
  static override queue = 'q'
  override perform(): void {}
}

/** Enqueues within a span of this process. @returns the id of the job and that of the producer's span */
async function request(delayMs: number, of: typeof Again): Promise<{ job: string; traceId: string; producer: string }> {
  return trace.getTracer('test').startActiveSpan('request', async (span) => {
    const { id } = await to.client.enqueueIn(delayMs, of, [])
    span.end()
    const producer = own.getFinishedSpans().find((each) => each.attributes['messaging.message.id'] === id)
    assert.equal(producer?.parentSpanContext?.spanId, span.spanContext().spanId)
    return { job: id, traceId: span.spanContext().traceId, producer: producer.spanContext().spanId }
  })
}

it('one trace from the producer through delay, retry, a workflow and its added step, in forked processes', async () => {
  const worker = await startWorker(server, evidence, { cwd: app, env: { ...env, SDK: 'afterFork' } })
  assert.match(worker.stdout + worker.stderr, /with fork/)
  const { job, traceId, producer } = await request(50, Again)
  await untilState(to.store, job, 'done')
  const ended = (): Span[] => receiver.spans.filter((span) => span.name === 'perform q')
  await eventually(() => ended().length === 5, { timeoutMs: 20_000, what: 'the spans of five attempts' })
  assert.deepEqual([...new Set(receiver.spans.map((span) => span.traceId))], [traceId])

  const [first, second, ...steps] = ended()
  assert.ok(first && second)
  assert.deepEqual(
    [first.parentSpanId, first.links, first.kind, first.error],
    [producer, [producer], 'consumer', 'not yet'],
  )
  assert.deepEqual([second.parentSpanId, second.links, second.error], [producer, [producer], undefined])
  assert.deepEqual(first.attributes, {
    'messaging.system': 'resque',
    'messaging.operation.name': 'perform',
    'messaging.operation.type': 'process',
    'messaging.destination.name': 'q',
    'messaging.message.id': job,
    'resque.job.class': 'Again',
    'resque.job.attempt': 1,
    'resque.job.outcome': 'failed',
    'error.type': 'RangeError',
  })
  const inJob = receiver.spans.filter((span) => span.name === 'in job').map((span) => span.parentSpanId)
  assert.deepEqual(inJob, [first.spanId, second.spanId], 'spans of the job are below its own')

  const [created, started] = [await receiver.span('create Flow'), await receiver.span('start Flow')]
  assert.deepEqual([created.parentSpanId, created.kind], [second.spanId, 'producer'])
  assert.deepEqual([started.parentSpanId, started.kind], [second.spanId, 'client'])
  assert.deepEqual(
    steps.map((step) => [step.attributes['resque.job.class'], step.parentSpanId, step.links]),
    ['Adds', 'Step', 'Step'].map((name) => [name, created.spanId, [created.spanId]]),
  )
  assert.equal(new Set(steps.map((step) => step.attributes['messaging.message.conversation_id'])).size, 1)
  await worker.stop('SIGQUIT')
})

it('an SDK that was started before the fork, and in the worker: receive spans, deaths, metrics', async () => {
  receiver.spans.length = receiver.points.length = 0
  const preload = { NODE_OPTIONS: `--require ${join(app, 'tracing.cjs')}` }
  const worker = await startWorker(server, evidence, { cwd: app, env: { ...env, ...preload } })
  assert.match(worker.stdout + worker.stderr, /with fork/)
  const { job, producer } = await request(0, Killed)
  await untilState(to.store, job, 'failed')
  const received = await receiver.span('reserve q')
  assert.deepEqual([received.parentSpanId, received.links, received.kind], [producer, [producer], 'client'])
  assert.equal(received.attributes['messaging.operation.type'], 'receive')
  const died = await receiver.span('perform q')
  assert.deepEqual([died.parentSpanId, died.links, died.kind], [producer, [producer], 'consumer'])
  assert.deepEqual([died.attributes['error.type'], died.attributes['resque.job.outcome']], ['signal', 'failed'])
  const again = await request(0, Again)
  await untilState(to.store, again.job, 'done')
  await receiver.span('in job')
  await receiver.span('perform q', (span) => span.attributes['resque.job.attempt'] === 2)
  const point = (name: string, error?: string): Promise<unknown> =>
    eventually(
      () =>
        receiver.points.find(
          (each) =>
            each.name === name &&
            each.attributes['error.type'] === error &&
            each.attributes['messaging.destination.name'] === 'q' &&
            each.count > 0,
        ),
      { timeoutMs: 10_000, what: `the metric ${name} ${error ?? ''}` },
    )
  assert.deepEqual(
    receiver.spans.filter((span) => span.traceId !== again.traceId && span.traceId !== received.traceId),
    [],
    'nothing but jobs is traced',
  )
  await point('messaging.process.duration', 'signal')
  await point('messaging.process.duration', 'RangeError')
  await point('messaging.process.duration')
  await point('messaging.client.consumed.messages')
  await point('messaging.client.operation.duration')
  await worker.stop('SIGQUIT')
})

it('spawn: a receiver that never answers delays a process by a second at most', async () => {
  receiver.spans.length = 0
  receiver.hangs = true
  const worker = await startWorker(server, evidence, {
    cwd: app,
    isolation: 'spawn',
    env: { ...env, SDK: 'afterFork' },
  })
  const { job } = await request(0, Killed)
  await untilState(to.store, job, 'failed')
  const slow = await request(0, Again)
  const record = await untilState(to.store, slow.job, 'done')
  assert.ok(receiver.unanswered > 0)
  const { timelineMs } = JSON.parse(record.evidence ?? '{}') as { timelineMs: { settle: number } }
  assert.ok(timelineMs.settle > 900 && timelineMs.settle < 5000, `it waited ${timelineMs.settle} ms`)
  await worker.stop('SIGTERM')
  receiver.hangs = false
})

it('bulk and schedule entries: producer spans, and a context in each record; without a span, none', async () => {
  own.reset()
  const handles = await to.client.enqueueBulk(Again, [[], []])
  const [bulk] = own.getFinishedSpans()
  assert.deepEqual([bulk?.name, bulk?.attributes['messaging.batch.message_count']], ['enqueue q', 2])
  const traceOf = async (id: string): Promise<unknown> =>
    (JSON.parse((await to.store.jobs.find(id))?.options ?? '{}') as { trace?: { traceparent: string } }).trace
      ?.traceparent
  const { traceId = '', spanId = '' } = bulk?.spanContext() ?? {}
  for (const { id } of handles) assert.equal(await traceOf(id), `00-${traceId}-${spanId}-01`)

  const scheduler = testScheduler(to.store, 'nightly: { every: 1h, class: Again, queue: s }')
  await scheduler.start()
  await eventually(() => scheduler.leads)
  await to.store.schedules.askFor('nightly', Date.now())
  const head = await eventually(async () => (await to.store.queues.heads(['s']))[0]?.firstId)
  await scheduler.stop()
  const fired = own.getFinishedSpans().find((span) => span.name === 'enqueue s')
  assert.equal(fired?.attributes['resque.schedule.name'], 'nightly')
  assert.match(String(await traceOf(head)), new RegExp(fired.spanContext().spanId))
})
