import { type Connection, scriptJson } from '../connection/connection.ts'
import { toBatches, type Delivery, type Settlement } from '../queues/deliveries.ts'
import { formatFailedAt } from '../queues/resque-time.ts'
import { MemoryConflict } from '../runs/memory.ts'
import { GraphChanged } from '../runs/run-writer.ts'

/** `other`: the end must be recorded by settle.lua. `error …`: a job has ended, and why its run could not be told. */
type Answer = 'ok' | 'lost' | 'other' | `error ${string}`

/** An end that waits to be recorded together with others. */
export interface PlainEnd {
  supervisor: string
  nowMs: number
  failedMax: number
  /** As include/record-ends.lua reads it. */
  json: string
  /** Of a step, '' where it has none. */
  output: string
  resolve: (answer: Answer) => void
  reject: (error: unknown) => void
}

/**
 * The call's arguments that are of ends: the time and bound of the last, and all of them as one text, which costs this process half of
 * what an argument for each value does.
 */
export const endsArgs = (ends: readonly PlainEnd[]): { now: number; failedMax: number; ends: string } => {
  const { nowMs = 0, failedMax = 0 } = ends.at(-1) ?? {}
  return { now: nowMs, failedMax, ends: ends.length === 0 ? '' : `[${ends.map(({ json }) => json).join(',')}]` }
}

/** Longest wait of an end for a call that takes jobs, see {@link EndWriter.gathers}. */
const GATHER_MS = 2

/** Records how jobs end for good. */
export class EndWriter {
  /** True while a call that takes jobs is to come soon: ends wait for it for a moment, also those of several ticks. */
  gathers = false
  readonly #connection: Connection
  readonly #waiting: PlainEnd[] = []
  readonly #steps: PlainEnd[] = []
  #flushes: NodeJS.Immediate | undefined
  #gathering: NodeJS.Timeout | undefined
  #continuing = false
  #leftToDo = false

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Records a job's end. Ends of jobs that arrive in the same tick are recorded in one call, with which the slots
   * that are free now take their next jobs ({@link take}); those of steps in a call of their own, just before it.
   * @returns false when the job is another's now: then nothing was written
   * @throws MemoryConflict when a step that runs beside this one has written the same memory key: nothing was written
   * @throws GraphChanged when the jobs that a step adds must be planned again: nothing was written
   */
  async settle(id: string, job: Delivery, nowMs: number, failedMax: number, end: Settlement): Promise<boolean> {
    // The script knows what a step is; a failed job may be one whose run is not known here.
    const isStep = end.step && end.state === 'done'
    if (!isStep || !end.step?.extra) {
      const answer = await this.#together(isStep ? this.#steps : this.#waiting, id, job, nowMs, failedMax, end)
      if (answer.startsWith('error ')) return this.#connection.fail(answer.slice('error '.length))
      if (answer !== 'other') return answer === 'ok'
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
    if (String(reply).startsWith('conflict ')) throw new MemoryConflict(String(reply).slice('conflict '.length))
    if (reply === 'more') this.#continue(nowMs)
    return reply !== 'lost'
  }

  #together(
    list: PlainEnd[],
    supervisor: string,
    job: Delivery,
    nowMs: number,
    failedMax: number,
    end: Settlement,
  ): Promise<Answer> {
    const { state, ttlMs, mayHaveLog = true, isLarge = false, entry = '', fields = {} } = end
    const output = end.step?.output ?? ''
    const values: unknown[] = [job.id, job.delivery, state, String(ttlMs), mayHaveLog, isLarge, entry]
    for (const [name, text] of Object.entries(fields)) values.push(name, text)
    const json = scriptJson(values)
    return new Promise((resolve, reject) => {
      if (this.#waiting.length + this.#steps.length === 0) this.#flushSoon()
      list.push({ supervisor, nowMs, failedMax, json, output, resolve, reject })
    })
  }

  #flushSoon(): void {
    if (this.gathers) this.#gathering = setTimeout(() => this.#flush(), GATHER_MS)
    // A tick after the slots have asked for their next jobs: that call takes the ends along.
    else this.#flushes = setImmediate(() => (this.#flushes = setImmediate(() => this.#flush())))
  }

  /** Ends for a call that takes jobs; the caller answers each. Those of steps are sent before: that call finds what they push. */
  take(supervisor: string): PlainEnd[] {
    this.#sendSteps()
    const part = takeOf(this.#waiting, supervisor)
    // What comes after this waits as long as this could.
    if (this.#waiting.length === 0) {
      clearImmediate(this.#flushes)
      clearTimeout(this.#gathering)
    }
    return part
  }

  #flush(): void {
    this.#sendSteps()
    for (let [next] = this.#waiting; next; [next] = this.#waiting) {
      const { supervisor } = next
      const part = this.take(supervisor)
      void answered(part, this.#connection.run('settle-batch', { supervisor, ...endsArgs(part) }))
    }
  }

  #sendSteps(): void {
    for (let [next] = this.#steps; next; [next] = this.#steps) {
      const part = takeOf(this.#steps, next.supervisor)
      void answered(part, this.#settleSteps(next.supervisor, part))
    }
  }

  async #settleSteps(supervisor: string, ends: readonly PlainEnd[]): Promise<Answer[]> {
    const outputs = ends.map(({ output }) => output)
    const reply = await this.#connection.run('settle-steps', { supervisor, ...endsArgs(ends) }, outputs)
    const [left, ...answers] = reply as ['more' | 'all', ...Answer[]]
    if (left === 'more') this.#continue(endsArgs(ends).now)
    return answers
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

/** Takes the ends of one call off a list. */
function takeOf(list: PlainEnd[], supervisor: string): PlainEnd[] {
  if (list.length === 0) return []
  const [part = []] = toBatches(
    list.filter((end) => end.supervisor === supervisor),
    ({ json, output }) => json.length + output.length,
  )
  const taken = new Set(part)
  list.splice(0, list.length, ...list.filter((end) => !taken.has(end)))
  return part
}

/** Tells each end what became of it. Never rejects. @param reply a word for each */
export async function answered(ends: readonly PlainEnd[], reply: Promise<unknown>): Promise<void> {
  try {
    const answers = (await reply) as Answer[]
    ends.forEach(({ resolve }, i) => resolve(answers[i]!))
  } catch (error) {
    for (const { reject } of ends) reject(error)
  }
}
