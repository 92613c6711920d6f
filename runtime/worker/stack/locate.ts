import { machine } from '../../../config/machine.ts'
import type { JobLocation } from '../../store/workers/stacks.ts'
import type { ChildMessage, ParentMessage } from '../../messages.ts'
import { jobFrames, sourceFrames, STACK_SIGNAL } from './stack-format.ts'

type Answer = Extract<ChildMessage, { type: 'waiting' | 'stack' }>

interface Answers {
  waiting?: Extract<Answer, { type: 'waiting' }>
  stack?: Extract<Answer, { type: 'stack' }>
}

/** An event loop that is not blocked answers by then; any other is asked for its stack. */
const IDLE_ANSWER_MS = 100
/** From this share of a processor on, the event loop works rather than waits, and its stack says more. */
const BUSY = 0.5

/** Of a processor, within which a process that is not in native code answers. */
const ANSWER_MS = 30

/** Asks one job's process where it is. */
export class Locator {
  readonly #send: (message: ParentMessage) => void
  #pid: number | undefined
  #onBegun: () => void = () => undefined
  #heard: ((answer: Answer) => void) | undefined
  readonly #late: Answers = {}
  #asking: Promise<JobLocation> | undefined

  constructor(send: (message: ParentMessage) => void) {
    this.#send = send
  }

  get hasBegun(): boolean {
    return this.#pid !== undefined
  }

  /** The process has begun. */
  started(pid: number): void {
    this.#pid = pid
    this.#onBegun()
  }

  hear(answer: Answer): void {
    if (this.#heard) this.#heard(answer)
    else add(this.#late, answer)
  }

  /**
   * What came unasked, at the end of the job's processor time, or after the deadline, since the job was in a long native
   * call or the machine was busy. Undefined when nothing did.
   */
  late(): Promise<JobLocation | undefined> | undefined {
    return this.#late.waiting || this.#late.stack ? answerOf(this.#late) : undefined
  }

  /** Never rejects, and takes no longer than `deadlineMs`, whatever the job does. A second caller gets the same answer. */
  locate(deadlineMs: number): Promise<JobLocation> {
    this.#asking ??= this.#locate(deadlineMs).finally(() => {
      this.#asking = undefined
      this.#heard = undefined
    })
    return this.#asking
  }

  async #locate(deadlineMs: number): Promise<JobLocation> {
    const endsAt = performance.now() + deadlineMs
    const pid = this.#pid ?? (await this.#begun(deadlineMs))
    if (pid === undefined) return { at: 'unknown', reason: 'its process has not begun yet' }
    if (pid === process.pid) return { at: 'unknown', reason: "it runs in the worker's own process (isolation: inline)" }
    const answers: Answers = {}
    const ranMs = processorTime(pid)
    this.#send({ type: 'where', withinMs: endsAt - performance.now() })
    await this.#gather(answers, Math.min(IDLE_ANSWER_MS, endsAt - performance.now()), ({ waiting }) => !!waiting)
    const canPrint = isIdle(answers) || askForStack(pid)
    if (canPrint) await this.#gather(answers, endsAt - performance.now(), isAnswered)
    if (!canPrint && !isIdle(answers)) return cannotPrint(pid)
    return (await answerOf(answers)) ?? kernelView(pid, { askedMs: deadlineMs, ranMs: ranMs() })
  }

  #begun(withinMs: number): Promise<number | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), withinMs)
      this.#onBegun = () => {
        clearTimeout(timer)
        resolve(this.#pid)
      }
    })
  }

  /** Waits for answers until there are enough of them or the time is over. */
  #gather(answers: Answers, withinMs: number, isEnough: (answers: Answers) => boolean): Promise<void> {
    return new Promise((resolve) => {
      if (isEnough(answers)) return resolve()
      const timer = setTimeout(resolve, Math.max(0, withinMs))
      this.#heard = (answer) => {
        add(answers, answer)
        if (!isEnough(answers)) return
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function add(answers: Answers, answer: Answer): void {
  if (answer.type === 'waiting') answers.waiting = answer
  else answers.stack = answer
}

const isIdle = ({ waiting }: Answers): boolean => waiting !== undefined && waiting.busy < BUSY
const isInJob = ({ stack }: Answers): boolean => stack !== undefined && jobFrames(stack.frames).length > 0

/** On a busy machine an idle event loop answers late: the stack is then that of the answer itself, without a frame of the job. */
const isAnswered = (answers: Answers): boolean =>
  isIdle(answers) || isInJob(answers) || (answers.waiting !== undefined && answers.stack !== undefined)

async function answerOf(answers: Answers): Promise<JobLocation | undefined> {
  const { waiting, stack } = answers
  if (waiting && isIdle(answers)) return { at: 'idle', waitingFor: waiting.waitingFor }
  if (stack && (isInJob(answers) || !waiting))
    return { at: 'stack', frames: await sourceFrames(stack.frames, stack.more) }
  return waiting && { at: 'idle', waitingFor: waiting.waitingFor, busy: true }
}

/** @returns false where the process has no handler for the signal: it would die of it */
function askForStack(pid: number): boolean {
  try {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(machine.file(`/proc/${pid}/status`) ?? '')?.[1] ?? '0'
    if (((BigInt(`0x${caught}`) >> BigInt(STACK_SIGNAL - 1)) & 1n) === 0n) return false
    process.kill(pid, STACK_SIGNAL)
    return true
  } catch {
    return false
  }
}

const GONE: JobLocation = { at: 'unknown', reason: 'its process has gone' }

const cannotPrint = (pid: number): JobLocation =>
  machine.file(`/proc/${pid}/status`) === undefined && machine.os() === 'linux'
    ? GONE
    : { at: 'unknown', reason: 'its process cannot print its stack on this platform' }

/** @returns how much of a processor it has had since, in ms; undefined where the kernel does not say */
function processorTime(pid: number): () => number | undefined {
  // /proc/<pid>/schedstat: time on a processor and time spent waiting for one, in ns; time slices.
  const read = (): number => Number(/^\d+/.exec(machine.file(`/proc/${pid}/schedstat`) ?? '')?.[0] ?? NaN) / 1e6
  const before = read()
  return () => {
    const ranMs = read() - before
    return Number.isNaN(ranMs) ? undefined : ranMs
  }
}

function kernelView(
  pid: number,
  { askedMs, ranMs = Infinity }: { askedMs: number; ranMs?: number | undefined },
): JobLocation {
  const read = (name: string): string | undefined => machine.file(`/proc/${pid}/${name}`)?.trim()
  const state = /^State:\s*(.+)$/m.exec(read('status') ?? '')?.[1]
  if (state === undefined) return GONE
  if (state.startsWith('R') && ranMs < ANSWER_MS)
    return {
      at: 'unknown',
      reason: `the machine is too busy: its process got ${Math.round(ranMs)} ms of a processor in ${Math.round(askedMs)} ms`,
    }
  const kernel = read('wchan')
  const systemCall = read('syscall')
  return {
    at: 'native',
    state,
    ...(kernel === undefined || kernel === '0' || kernel === '' ? {} : { kernel }),
    ...(systemCall === undefined ? {} : { systemCall }),
  }
}
