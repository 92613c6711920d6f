import type { Span } from '@opentelemetry/api'
import {
  attributesOf,
  endFailed,
  type Operation,
  originOf,
  spanName,
  telemetry,
  tracerOf,
  measure,
} from '../jobs/telemetry.ts'
import type { Assignment, Outcome } from '../messages.ts'
import type { Ending } from './launchers/launcher.ts'
import type { Verdict } from './outcome/cause.ts'

const operationOf = (assignment: Assignment, name: 'reserve' | 'perform'): Operation => ({
  name,
  type: name === 'reserve' ? 'receive' : 'process',
  queue: assignment.queue,
  id: assignment.jobId,
  className: assignment.className,
  attempt: assignment.attempt,
  ...(assignment.step ? { run: assignment.step.workflowId } : {}),
})

/**
 * The process span of one attempt, in the trace of the producer and with a link to it. It begins when the job's own code
 * does: after `afterFork`, in which an SDK may be started.
 */
export class JobSpan {
  readonly #assignment: Assignment
  #span: Span | undefined

  constructor(assignment: Assignment) {
    this.#assignment = assignment
  }

  /** Calls `work` with this span as the current one, so that spans which the job makes are below it. */
  within<T>(work: () => Promise<T>): Promise<T> {
    const api = telemetry()
    if (!api) return work()
    const { context, links } = originOf(api, this.#assignment.trace)
    const operation = operationOf(this.#assignment, 'perform')
    const about = { kind: api.SpanKind.CONSUMER, attributes: attributesOf(operation), links }
    this.#span ??= tracerOf(api).startSpan(spanName(operation), about, context)
    return api.context.with(api.trace.setSpan(context, this.#span), work)
  }

  /** @returns the outcome */
  end(outcome: Outcome): Outcome {
    const [span, api] = [this.#span, telemetry()]
    if (!span || !api) return outcome
    span.setAttribute('resque.job.outcome', outcome.kind)
    if (outcome.kind === 'failed') {
      const { name, message, backtrace } = outcome.error
      endFailed(api, span, name, { name, message, stack: [`${name}: ${message}`, ...backtrace].join('\n    ') })
    }
    span.end()
    return outcome
  }
}

/** The job goes to its process: a receive span since its reservation, where the worker itself has an SDK. */
export function traceReceived(assignment: Assignment, sinceMs: number): void {
  const api = telemetry()
  if (!api) return
  const operation = operationOf(assignment, 'reserve')
  const { context, links } = originOf(api, assignment.trace)
  const startTime = Date.now() - sinceMs
  const about = { kind: api.SpanKind.CLIENT, attributes: attributesOf(operation), links, startTime }
  tracerOf(api).startSpan(spanName(operation), about, context).end()
  measure(api, operation, sinceMs)
}

/**
 * The attempt has ended. The span of a job whose process could not report its end is made here, since the process took its
 * own along.
 */
export function traceEnded(assignment: Assignment, ending: Ending, verdict: Verdict, ranMs: number): void {
  const api = telemetry()
  if (!api || verdict.kind === 'held') return
  const operation = operationOf(assignment, 'perform')
  const failure = 'cause' in verdict ? verdict : undefined
  measure(api, operation, ranMs, failure && (ending.outcome ? failure.error.name : failure.cause))
  if (ending.outcome || !failure) return
  const { context, links } = originOf(api, assignment.trace)
  const attributes = { ...attributesOf(operation), 'resque.job.outcome': 'failed', 'resque.job.cause': failure.cause }
  const about = { kind: api.SpanKind.CONSUMER, attributes, links, startTime: Date.now() - ranMs }
  const span = tracerOf(api).startSpan(spanName(operation), about, context)
  endFailed(api, span, failure.cause, { name: failure.error.name, message: failure.error.message })
  span.end()
}
