/**
 * OpenTelemetry, through its API only. Nothing of it is loaded until this process has registered an SDK, and the API is the
 * application's own copy: an API of another version than the SDK's would see nothing. Names, kinds and attributes of spans
 * and metrics: https://opentelemetry.io/docs/specs/semconv/messaging/ (messaging-spans, messaging-metrics).
 */
import type * as Api from '@opentelemetry/api'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { toError } from '../core/errors.ts'
import { version } from '../core/package.ts'
import type { TraceContext } from '../messages.ts'

/** Where the API keeps what is registered, whatever its copy and version (`global-utils.ts` of the API). */
const registered = Symbol.for('opentelemetry.js.api.1')
const scope = 'resque-runtime'
const packageName = '@opentelemetry/api'
/** A field of a trace context that is longer (baggage) is left out: the record of each job would carry it. */
const maxFieldLength = 4096
/** How long a process that ends waits for the exporters of its SDK. */
const flushMs = 1000

let loaded: { api: typeof Api | undefined } | undefined
let isOff = false

/** OpenTelemetry's API; undefined as long as this process has registered no SDK. */
export function telemetry(): typeof Api | undefined {
  return registered in globalThis && !isOff ? (loaded ??= { api: load() }).api : undefined
}

/** Calls `work`, of which nothing is traced: a job that is none. */
export async function withoutTelemetry<T>(work: () => Promise<T>): Promise<T> {
  isOff = true
  try {
    return await work()
  } finally {
    isOff = false
  }
}

function load(): typeof Api | undefined {
  const from = [import.meta.url, join(process.cwd(), 'package.json')]
  for (const place of from) {
    try {
      return createRequire(place)(packageName) as typeof Api
    } catch {
      continue
    }
  }
  process.emitWarning(
    `an OpenTelemetry SDK is registered, but ${packageName} was not found from ${from.join(' or ')}: jobs are not traced; install it in the application`,
  )
  return undefined
}

/** Makes spans of this package. */
export const tracerOf = (api: typeof Api): Api.Tracer => api.trace.getTracer(scope, version)

/** What a span or a measurement of one operation is about. */
export interface Operation {
  /** `enqueue`, `create`, `start`, `reserve`, `perform`. */
  name: string
  type: 'create' | 'send' | 'receive' | 'process'
  queue: string
  /** Of the job. */
  id?: string
  /** Of jobs that are sent together. */
  count?: number
  className?: string
  attempt?: number
  /** The run of a workflow step, or of the workflow that is created. */
  run?: string
  schedule?: string
}

/** Attributes of metrics: those that have few values. */
const labels = ({ name, type, queue }: Operation): Api.Attributes => ({
  'messaging.system': 'resque',
  'messaging.operation.name': name,
  'messaging.operation.type': type,
  'messaging.destination.name': queue,
})

/** Attributes of a span; what is undefined is left out by the SDK. */
export const attributesOf = (operation: Operation): Api.Attributes => ({
  ...labels(operation),
  'messaging.message.id': operation.id,
  'messaging.batch.message_count': operation.count,
  'messaging.message.conversation_id': operation.run,
  'resque.job.class': operation.className,
  'resque.job.attempt': operation.attempt,
  'resque.schedule.name': operation.schedule,
})

/** The context in which a job was enqueued, and a link to it; neither for a job that carries none. */
export function originOf(
  api: typeof Api,
  trace: TraceContext | undefined,
): { context: Api.Context; links: Api.Link[] } {
  const context = trace ? api.propagation.extract(api.ROOT_CONTEXT, trace) : api.ROOT_CONTEXT
  const origin = api.trace.getSpanContext(context)
  return { context, links: origin && api.isSpanContextValid(origin) ? [{ context: origin }] : [] }
}

/** What is sent with the jobs of one call. */
interface Sent {
  id: string
  className: string
  /** JSON text. */
  options?: string
}

/** Sends jobs to a queue. With an SDK it makes a producer span, whose context is in the options of each job. */
export async function traceJobs<J extends Sent, R>(
  jobs: readonly J[],
  queue: string,
  send: (jobs: readonly J[]) => Promise<R>,
  schedule?: string,
): Promise<R> {
  const [first] = jobs
  if (!first || !telemetry()) return send(jobs)
  const { id, className } = first
  const which = jobs.length === 1 ? { id } : { count: jobs.length }
  const operation: Operation = { name: 'enqueue', type: 'send', queue, className, ...which, schedule }
  return traceSend(operation, (trace) => send(trace ? jobs.map((job) => withTrace(job, trace)) : jobs))
}

const withTrace = <J extends Sent>(job: J, trace: TraceContext): J => ({
  ...job,
  options: JSON.stringify({ ...(job.options ? (JSON.parse(job.options) as object) : {}), trace }),
})

/** Calls `send` in a producer span, with the context that what is sent has to carry; without an SDK, just calls it. */
export async function traceSend<R>(
  operation: Operation,
  send: (trace: TraceContext | undefined) => Promise<R>,
): Promise<R> {
  const api = telemetry()
  if (!api) return send(undefined)
  const startedAt = performance.now()
  const kind = operation.name === 'start' ? api.SpanKind.CLIENT : api.SpanKind.PRODUCER
  const span = tracerOf(api).startSpan(spanName(operation), { kind, attributes: attributesOf(operation) })
  const context = api.trace.setSpan(api.context.active(), span)
  let failed: Error | undefined
  try {
    return await api.context.with(context, () => send(carried(api, context)))
  } catch (thrown) {
    failed = toError(thrown)
    endFailed(api, span, errorType(failed), failed)
    throw thrown
  } finally {
    span.end()
    measure(api, operation, performance.now() - startedAt, failed && errorType(failed))
  }
}

const errorType = (error: Error & { code?: unknown }): string =>
  typeof error.code === 'string' ? error.code : error.name

/** `enqueue high`: the conventions have operation and destination. */
export const spanName = ({ name, queue }: Operation): string => `${name} ${queue}`

/** Says of a span why its operation failed; does not end it. @param type of few values: a code, a cause or a class of errors */
export function endFailed(
  api: typeof Api,
  span: Api.Span,
  type: string,
  error: Api.Exception & { message?: string },
): void {
  span.recordException(error)
  span.setAttribute('error.type', type)
  span.setStatus({ code: api.SpanStatusCode.ERROR, message: error.message })
}

/** The fields of a context that a job carries (`traceparent` …); undefined for none. */
function carried(api: typeof Api, context: Api.Context): TraceContext | undefined {
  const carrier: TraceContext = {}
  api.propagation.inject(context, carrier)
  const fields = Object.entries(carrier).filter(([, value]) => value.length <= maxFieldLength)
  return fields.length > 0 ? Object.fromEntries(fields) : undefined
}

interface Instruments {
  provider: Api.MeterProvider
  sent: Api.Counter
  consumed: Api.Counter
  operation: Api.Histogram
  process: Api.Histogram
}

let instruments: Instruments | undefined

/** Those of the meter provider that is registered now. */
function instrumentsOf(api: typeof Api): Instruments {
  const provider = api.metrics.getMeterProvider()
  if (instruments?.provider === provider) return instruments
  const meter = provider.getMeter(scope, version)
  const seconds = {
    unit: 's',
    advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] },
  }
  instruments = {
    provider,
    sent: meter.createCounter('messaging.client.sent.messages', { unit: '{message}' }),
    consumed: meter.createCounter('messaging.client.consumed.messages', { unit: '{message}' }),
    operation: meter.createHistogram('messaging.client.operation.duration', seconds),
    process: meter.createHistogram('messaging.process.duration', seconds),
  }
  return instruments
}

/** Counts one operation with the meter provider that this process has registered, if any. @param error its `error.type` */
export function measure(api: typeof Api, operation: Operation, durationMs: number, error?: string): void {
  const { type, count = 1 } = operation
  const attributes = { ...labels(operation), ...(error === undefined ? {} : { 'error.type': error }) }
  const { sent, consumed, operation: operations, process: processes } = instrumentsOf(api)
  if (type === 'process') processes.record(durationMs / 1000, attributes)
  else operations.record(durationMs / 1000, attributes)
  if (type === 'send') sent.add(count, attributes)
  if (type === 'receive') consumed.add(count, attributes)
}

/** Something of an SDK that can be asked to export now. */
interface Flushable {
  forceFlush?: () => Promise<unknown>
}

/** Has the SDK of this process, if there is one, export what it holds. Never rejects, and ends within a second. */
export async function flushTelemetry(): Promise<void> {
  const api = telemetry()
  if (!api) return
  const tracers = api.trace.getTracerProvider()
  const delegate = (tracers as { getDelegate?: () => unknown }).getDelegate?.() ?? tracers
  const flushed = [delegate, api.metrics.getMeterProvider()].map(async (part) => (part as Flushable).forceFlush?.())
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => (timer = setTimeout(resolve, flushMs)))
  await Promise.race([Promise.allSettled(flushed), late])
  clearTimeout(timer)
}
