import type { Span } from '@opentelemetry/api'
import {
  attributesOf,
  endFailed,
  type Operation,
  originOf,
  spanName,
  telemetry,
  tracerOf,
} from '../../jobs/telemetry.ts'
import type { Assignment, Outcome } from '../../wire.ts'

const performOf = ({ jobId, queue, className, attempt, step }: Assignment): Operation => ({
  name: 'perform',
  type: 'process',
  queue,
  id: jobId,
  className,
  attempt,
  ...(step ? { run: step.workflowId } : {}),
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
    const operation = performOf(this.#assignment)
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
