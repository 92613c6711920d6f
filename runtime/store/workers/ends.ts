import { type Connection, scriptJson } from '../connection/connection.ts'
import { inParts, type Delivery, type Settlement } from '../queues/deliveries.ts'
import { formatFailedAt } from '../queues/resque-time.ts'
import { MemoryClash } from '../runs/memory.ts'
import { GraphChanged } from '../runs/run-writer.ts'

/** `other`: the end must be recorded by settle.lua. */
type Answer = 'ok' | 'lost' | 'other'

interface PlainEnd {
  supervisor: string
  /** The arguments of settle-plain.lua for this end. */
  args: (string | number)[]
  bytes: number
  resolve: (answer: Answer) => void
  reject: (error: unknown) => void
}

/** Records how jobs end for good. */
export class Ends {
  readonly #connection: Connection
  #waiting: PlainEnd[] = []
  #continuing = false
  #leftToDo = false

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Records a job's end. Good ends of jobs that are no steps and arrive in the same tick are recorded in one call.
   * @returns false when the job is another's now: then nothing was written
   * @throws MemoryClash when a step that runs beside this one has written the same memory key: nothing was written
   * @throws GraphChanged when the jobs that a step adds must be planned again: nothing was written
   */
  async settle(id: string, job: Delivery, nowMs: number, failedMax: number, end: Settlement): Promise<boolean> {
    if (end.state === 'done' && !end.step) {
      const plain = await this.#plain(id, job, nowMs, end)
      if (plain !== 'other') return plain === 'ok'
    }
    const reply = await this.#connection.run('settle', {
      ...{ supervisor: id, ...job, now: nowMs, failedAt: formatFailedAt(new Date(nowMs)) },
      state: end.state,
      entry: end.entry ?? '',
      failedMax,
      ttlMs: end.ttlMs,
      fields: scriptJson(end.fields ?? {}),
      output: end.step?.output ?? '',
      extra: end.step?.extra ?? '',
    })
    if (reply === 'grown') throw new GraphChanged()
    if (String(reply).startsWith('clash ')) throw new MemoryClash(String(reply).slice('clash '.length))
    if (reply === 'more') this.#continue(nowMs)
    return reply !== 'lost'
  }

  /** Good ends of plain jobs: those of one tick of the event loop are recorded in one call. Each is answered by itself. */
  #plain(supervisor: string, job: Delivery, nowMs: number, end: Settlement): Promise<Answer> {
    const fields = Object.entries(end.fields ?? {}).flat()
    const about = [job.worker, job.id, job.delivery, nowMs, end.ttlMs, end.mayHaveLog === false ? 0 : 1]
    const bytes = fields.reduce((sum, text) => sum + text.length, 0)
    return new Promise((resolve, reject) => {
      // A tick after the slots have asked for their next jobs: those are taken first, and run while Redis records the ends.
      if (this.#waiting.length === 0) setImmediate(() => setImmediate(() => this.#flush()))
      this.#waiting.push({ supervisor, args: [...about, fields.length / 2, ...fields], bytes, resolve, reject })
    })
  }

  #flush(): void {
    const ends = this.#waiting.splice(0)
    for (const supervisor of new Set(ends.map((end) => end.supervisor))) {
      const own = ends.filter((end) => end.supervisor === supervisor)
      for (const part of inParts(own, ({ bytes }) => bytes)) void this.#send(supervisor, part)
    }
  }

  async #send(supervisor: string, ends: readonly PlainEnd[]): Promise<void> {
    try {
      const rest = ends.flatMap(({ args }) => args)
      const answers = (await this.#connection.run('settle-plain', { supervisor }, rest)) as Answer[]
      ends.forEach(({ resolve }, i) => resolve(answers[i] ?? 'other'))
    } catch (error) {
      for (const { reject } of ends) reject(error)
    }
  }

  /**
   * Goes on with what runs have left to do. An end does not wait for it: it may be of other runs.
   * Should this process die first, a supervisor's upkeep does it.
   */
  #continue(nowMs: number): void {
    this.#leftToDo = true
    if (this.#continuing) return
    this.#continuing = true
    void (async () => {
      try {
        for (let left = 0; left > 0 || this.#leftToDo;) {
          this.#leftToDo = false
          left = Number(await this.#connection.run('run-continue', { now: nowMs }))
        }
      } catch {
        // The upkeep goes on with it.
      } finally {
        this.#continuing = false
      }
    })()
  }
}
