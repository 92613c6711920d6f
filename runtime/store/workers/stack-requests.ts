import { RuntimeError } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import type { Connection } from '../connection/connection.ts'
import type { Where } from './where.ts'

/** Where a job is, as the worker that runs it answers. */
export interface StackAnswer {
  pid: number | undefined
  where: Where
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
      if (answer === undefined) throw noAnswer(jobId, timeoutMs)
      return JSON.parse(answer) as StackAnswer
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
