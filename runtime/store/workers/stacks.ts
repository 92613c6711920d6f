import { jsonObject } from '../../core/json-text.ts'
import { RuntimeError } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import type { Connection } from '../connection/connection.ts'

/** Where a running job is. */
export type JobLocation =
  /** In JavaScript; innermost frame first. */
  | { at: 'stack'; frames: string[] }
  /** Its event loop runs, and this may wake the job; empty when nothing can any more. `busy`: it runs without a pause. */
  | { at: 'idle'; waitingFor: string[]; busy?: true }
  /** It answers nothing: in native code. What the kernel says of it: the state of /proc/<pid>/status, the function and the system call that it waits in. */
  | { at: 'native'; state: string; kernel?: string; systemCall?: string }
  /** It cannot be found out, for this reason. */
  | { at: 'unknown'; reason: string }

/** Not the application's own code. */
const FOREIGN = /\(<anonymous>\)|node_modules|\(node:/

/** The same in one line, for messages and tables; paths below the current folder are relative to it. */
export function locationText(where: JobLocation): string {
  switch (where.at) {
    case 'stack':
      return stackText(where.frames)
    case 'idle':
      return where.waitingFor.length === 0
        ? 'waiting for a promise that nothing can settle: its event loop is empty'
        : `${where.busy ? 'its event loop busy all the time, ' : ''}waiting for: ${where.waitingFor.join(', ')}`
    case 'native':
      return `in native code (${[where.state, where.kernel].filter(Boolean).join(', ')})`
    default:
      return `at an unknown place: ${where.reason}`
  }
}

/** The same with the whole stack, a line a frame. */
export function locationLines(where: JobLocation): string[] {
  return [locationText(where), ...(where.at === 'stack' ? where.frames.map((frame) => `  at ${frame}`) : [])]
}

/** The innermost frame, and the innermost of the application's own code where that is another. */
function stackText(frames: readonly string[]): string {
  const [innermost] = frames
  if (innermost === undefined) return 'in code of Node itself'
  const own = frames.find((frame) => !FOREIGN.test(frame))
  return `in ${short(innermost)}${own === undefined || own === innermost ? '' : `, called from ${short(own)}`}`
}

const short = (frame: string): string =>
  frame
    .replace(` (<anonymous>)`, '')
    .replaceAll(`${process.cwd()}/`, '')
    .replace(/:(\d+):\d+(\)?)$/, ':$1$2')

/** Where a job is, as the worker that runs it answers. */
export interface StackAnswer {
  pid: number | undefined
  where: JobLocation
}

/** More than the worker takes to find out. */
const answerTimeoutMs = 5000

/** The question where a running job is: asked from any machine, answered by the worker that runs the job. */
export class StackRequests {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Asks the worker that runs a job, on whatever machine.
   * @throws RuntimeError ERR_TIMEOUT when it does not answer; ERR_REDIS where this user may not subscribe to the channel of the answer
   */
  async ask(jobId: string, timeoutMs = answerTimeoutMs): Promise<StackAnswer> {
    const request = newId()
    const { keys } = this.#connection
    let heard: (answer: string | undefined) => void = () => undefined
    const answered = new Promise<string | undefined>((resolve) => (heard = resolve))
    const stop = await this.#connection.listen(keys.stackAnswer(request), heard)
    const timer = setTimeout(() => heard(undefined), timeoutMs)
    try {
      await this.#connection.ask((redis) => redis.publish(keys.control(), `stack ${jobId} ${request}`))
      const answer = await answered
      const read = answer === undefined ? undefined : jsonObject(answer)
      if (!read) throw noAnswer(jobId, timeoutMs)
      return read as StackAnswer
    } finally {
      clearTimeout(timer)
      stop()
    }
  }

  /** Gives the worker's answer. */
  async answer(request: string, answer: string): Promise<void> {
    await this.#connection.ask((redis, keys) => redis.publish(keys.stackAnswer(request), answer))
  }
}

function noAnswer(jobId: string, timeoutMs: number): RuntimeError {
  return new RuntimeError(
    'ERR_TIMEOUT',
    `job ${jobId}: expected its worker to answer within ${timeoutMs} ms, it did not; \`runtime ps\` shows whether that worker lives`,
  )
}
