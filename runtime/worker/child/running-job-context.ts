import { shown } from '../../core/duration.ts'
import { getEventListeners } from 'node:events'
import { RuntimeError } from '../../core/errors.ts'
import { parseLossless } from '../../core/codec.ts'
import { findNotJson } from '../../core/json-check.ts'
import { jsonText } from '../../core/json-text.ts'
import { newId } from '../../core/ids.ts'
import { isJob, wireName, type JobContext, type StepPlace, type RunningStepContext } from '../../jobs/job.ts'
import { checkOptions, optionsOn } from '../../jobs/options.ts'
import { memoryOf, type ChildMemory } from './child-memory.ts'
import type { Channel } from './event-loop.ts'
import type { Assignment, LimitRequest, Outcome, ParentMessage, StepAddition } from '../../messages.ts'

/** What a running job can ask and tell, over its channel. */
export class RunningJobContext implements JobContext {
  readonly id: string
  readonly queue: string
  readonly attempt: number
  readonly step?: RunningStepContext
  /** Of the step's run; undefined where it has none. */
  readonly memory: ChildMemory | undefined
  hasOutput = false
  outputValue: unknown
  readonly #channel: Channel
  readonly #additions: StepAddition[] = []
  #skipChildren = false
  /** Made when it is first asked for: most jobs never do. */
  #abort: AbortController | undefined
  #answer: ((message: Extract<ParentMessage, { type: 'answer' }>) => void) | undefined

  constructor(assignment: Assignment, channel: Channel) {
    this.id = assignment.jobId
    this.queue = assignment.queue
    this.attempt = assignment.attempt
    this.#channel = channel
    const { step } = assignment
    this.memory = memoryOf(assignment, channel)
    if (step) {
      const params = once(() => parseLossless(step.params))
      const payloads = once(() =>
        step.payloads.map(({ output, ...parent }) => ({
          ...parent,
          output: output === undefined ? undefined : parseLossless(output),
        })),
      )
      this.step = {
        ...step,
        get params() {
          return params()
        },
        get payloads() {
          return payloads()
        },
        memory: this.memory,
        add: (...args) => this.#add(...args),
        skipChildren: () => (this.#skipChildren = true),
      }
    }
    channel.onMessage((message) => {
      if (message.type === 'answer') this.#takeAnswer(message)
      if (message.type === 'cancel') this.abort(message.reason)
      if (message.type === 'memory') this.memory?.hear(message)
      channel.loop?.heard()
    })
  }

  get signal(): AbortSignal {
    return (this.#abort ??= new AbortController()).signal
  }

  /** Aborts `signal`: the job is to stop. */
  abort(reason: string): void {
    if (!this.signal.aborted)
      this.#abort?.abort(Object.assign(new Error(`job ${this.id}: ${reason}`), { name: 'AbortError' }))
  }

  progress(at: number, of: number, note: string): void {
    if (!Number.isFinite(at) || !Number.isFinite(of))
      throw new RuntimeError(
        'ERR_ARGUMENT',
        `progress(at, of): expected two numbers, got ${shown(at)} and ${shown(of)}`,
      )
    this.#channel.send({ type: 'progress', at, of, note: String(note) })
  }

  log(line: string): void {
    this.#channel.send({ type: 'log', line: String(line) })
  }

  output(value: unknown): void {
    this.hasOutput = true
    this.outputValue = value
  }

  /** Waits for `work` as long as something in this process, or the supervisor, can settle it. @throws what it throws, or that nothing can */
  settle<T>(work: () => Promise<T>): Promise<T> {
    const { loop } = this.#channel
    return loop ? loop.settle(work, () => this.#awaitsSupervisor) : work()
  }

  /** A cancel may come as long as the job listens for it. */
  get #awaitsSupervisor(): boolean {
    const signal = this.#abort?.signal
    const listens = signal !== undefined && !signal.aborted && getEventListeners(signal, 'abort').length > 0
    return listens || this.#answer !== undefined || this.memory?.isAsking === true
  }

  #takeAnswer(message: Extract<ParentMessage, { type: 'answer' }>): void {
    const answer = this.#answer
    this.#answer = undefined
    answer?.(message)
  }

  /** Asks the supervisor for the job's limits. @returns false when the job must wait @throws when it cannot be asked */
  ask(limits: LimitRequest[]): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#answer = ({ granted, error }) => (error === undefined ? resolve(granted) : reject(new Error(error)))
      this.#channel.send({ type: 'limits', limits })
    })
  }

  /** Adds what a step did to its graph to its outcome. */
  addTo(outcome: Extract<Outcome, { kind: 'done' }>): void {
    if (this.#additions.length > 0) outcome.additions = this.#additions
    if (this.#skipChildren) outcome.skipChildren = true
  }

  #add(definition: { name: string }, params: unknown, place: StepPlace): string {
    const name = checkedAddition(definition, params, place)
    const id = newId()
    const queue = place.queue ?? optionsOn(definition).queue
    this.#additions.push({
      id,
      class: name,
      ...(params === null ? {} : { params: jsonText(params) }),
      after: [...place.after],
      ...(place.before.length === 0 ? {} : { before: [...place.before] }),
      ...(queue === undefined ? {} : { queue }),
    })
    return id
  }
}

/** The value of `make`, which is called when it is first wanted. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => (made ??= { value: make() }).value
}

/** @returns the job's name on the wire @throws RuntimeError ERR_ARGUMENT, ERR_NOT_JSON */
function checkedAddition(definition: unknown, params: unknown, { queue }: StepPlace): string {
  if (!isJob(definition))
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `workflow.add: expected a Job class or a function made by job(), got ${JSON.stringify(definition) ?? String(definition)}`,
    )
  const what = `workflow.add(${wireName(definition)})`
  if (queue !== undefined) checkOptions({ queue }, what)
  const bad = findNotJson(params, 'params', { bigint: true })
  if (bad) throw new RuntimeError('ERR_NOT_JSON', `${what}: ${bad}`)
  if (typeof params !== 'object' || Array.isArray(params))
    throw new RuntimeError('ERR_ARGUMENT', `${what}: expected params to be one object, got ${shown(params)}`)
  return wireName(definition)
}
