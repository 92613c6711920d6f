import { RuntimeError } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import type { Connection } from '../connection/connection.ts'

/** The question where a running job is: asked from any machine, answered by the worker that runs the job. */
export class StackRequests {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * @returns the worker's answer, JSON of a `Where`; undefined when none came within `timeoutMs`
   * @throws RuntimeError ERR_REDIS where this user may not subscribe to the channel of the answer
   */
  async ask(jobId: string, timeoutMs: number): Promise<string | undefined> {
    const request = newId()
    const { keys } = this.#connection
    let heard: (answer: string | undefined) => void = () => undefined
    const answered = new Promise<string | undefined>((resolve) => (heard = resolve))
    const stop = await this.#connection.listen(keys.stackAnswer(request), heard)
    const timer = setTimeout(() => heard(undefined), timeoutMs)
    try {
      await this.#connection.ask((redis) => redis.publish(keys.control(), `stack ${jobId} ${request}`))
      return await answered
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

/** @throws RuntimeError ERR_TIMEOUT for a question that no worker has answered */
export function noAnswer(jobId: string, timeoutMs: number): RuntimeError {
  return new RuntimeError(
    'ERR_TIMEOUT',
    `job ${jobId}: expected its worker to answer within ${timeoutMs} ms, it did not; \`runtime ps\` shows whether that worker lives`,
  )
}
