import {
  attributesOf,
  endFailed,
  measure,
  type Operation,
  originOf,
  spanName,
  telemetry,
  tracerOf,
} from '../../jobs/telemetry.ts'
import type { Assignment } from '../../wire.ts'
import type { Ending } from '../launchers/launcher.ts'
import type { Verdict } from '../outcome/verdict.ts'

const operationOf = (assignment: Assignment, name: 'reserve' | 'perform'): Operation => ({
  name,
  type: name === 'reserve' ? 'receive' : 'process',
  queue: assignment.queue,
  id: assignment.jobId,
  className: assignment.className,
  attempt: assignment.attempt,
  ...(assignment.step ? { run: assignment.step.workflowId } : {}),
})

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
