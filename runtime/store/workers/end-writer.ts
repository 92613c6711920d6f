import { type Connection, scriptJson } from '../connection/connection.ts'
import { toBatches, type Delivery, type Settlement } from '../queues/deliveries.ts'
import { formatFailedAt } from '../queues/resque-time.ts'
import { MemoryClash } from '../runs/memory.ts'
import { GraphChanged } from '../runs/run-writer.ts'

/** `other`: the end must be recorded by settle.lua. */
type Answer = 'ok' | 'lost' | 'other'

/** An end that waits to be recorded together with others. */
export interface PlainEnd {
  supervisor: string
  nowMs: number
  failedMax: number
  /** As include/record-ends.lua reads it. */
  args: (string | number)[]
  bytes: number
  /** Records it by settle.lua. */
  settleAlone: () => Promise<boolean>
  resolve: (isRecorded: boolean | Promise<boolean>) => void
  reject: (error: unknown) => void
}

/** The call's own arguments that ends need: those of the last one. */
export const endsArgs = (ends: readonly PlainEnd[]): { now: number; failedMax: number } => {
  const { nowMs = 0, failedMax = 0 } = ends.at(-1) ?? {}
  return { now: nowMs, failedMax }
}

/** Longest wait of an end for a call that takes jobs, see {@link EndWriter.gathers}. */
const GATHER_MS = 2

/** Records how jobs end for good. */
export class EndWriter {
  /** True while a call that takes jobs is to come soon: ends wait for it for a moment, also those of several ticks. */
  gathers = false
  readonly #connection: Connection
  #waiting: PlainEnd[] = []
  #flushes: NodeJS.Immediate | undefined
  #gathering: NodeJS.Timeout | undefined
  #continuing = false
  #leftToDo = false

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Records a job's end. Ends of jobs that are no steps and arrive in the same tick are recorded in one call, with which the slots
   * that are free now take their next jobs ({@link take}).
   * @returns false when the job is another's now: then nothing was written
   * @throws MemoryClash when a step that runs beside this one has written the same memory key: nothing was written
   * @throws GraphChanged when the jobs that a step adds must be planned again: nothing was written
   */
  settle(id: string, job: Delivery, nowMs: number, failedMax: number, end: Settlement): Promise<boolean> {
    // The script knows what a step is; a failed job may be one whose run is not known here.
    return !end.step || end.state === 'failed'
      ? this.#plain(id, job, nowMs, failedMax, end)
      : this.#alone(id, job, nowMs, failedMax, end)
  }

  async #alone(id: string, job: Delivery, nowMs: number, failedMax: number, end: Settlement): Promise<boolean> {
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

  #plain(supervisor: string, job: Delivery, nowMs: number, failedMax: number, end: Settlement): Promise<boolean> {
    const { state, ttlMs, mayHaveLog = true, entry = '', fields = {} } = end
    const names = Object.keys(fields)
    const args = [job.id, job.delivery, state, ttlMs, mayHaveLog ? 1 : 0, entry, names.length]
    let bytes = entry.length
    for (const name of names) {
      const text = fields[name] ?? ''
      bytes += text.length
      args.push(name, text)
    }
    const settleAlone = (): Promise<boolean> => this.#alone(supervisor, job, nowMs, failedMax, end)
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) this.#flushSoon()
      this.#waiting.push({ supervisor, nowMs, failedMax, args, bytes, settleAlone, resolve, reject })
    })
  }

  #flushSoon(): void {
    if (this.gathers) this.#gathering = setTimeout(() => this.#flush(), GATHER_MS)
    // A tick after the slots have asked for their next jobs: that call takes the ends along.
    else this.#flushes = setImmediate(() => (this.#flushes = setImmediate(() => this.#flush())))
  }

  /** Ends for a call that takes jobs; the caller answers each. */
  take(supervisor: string): PlainEnd[] {
    if (this.#waiting.length === 0) return []
    const own = this.#waiting.filter((end) => end.supervisor === supervisor)
    const [part = []] = toBatches(own, ({ bytes }) => bytes)
    const taken = new Set(part)
    this.#waiting = this.#waiting.filter((end) => !taken.has(end))
    // What comes after this waits as long as this could.
    if (this.#waiting.length === 0) {
      clearImmediate(this.#flushes)
      clearTimeout(this.#gathering)
    }
    return part
  }

  #flush(): void {
    for (let [next] = this.#waiting; next; [next] = this.#waiting) {
      const { supervisor } = next
      const part = this.take(supervisor)
      const rest = part.flatMap(({ args }) => args)
      void answered(part, this.#connection.run('settle-batch', { supervisor, ...endsArgs(part) }, rest))
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

/** Tells each end what became of it. Never rejects. @param reply a word for each */
export async function answered(ends: readonly PlainEnd[], reply: Promise<unknown>): Promise<void> {
  try {
    const answers = (await reply) as Answer[]
    ends.forEach(({ resolve, settleAlone }, i) => {
      const answer = answers[i]
      resolve(answer === 'other' ? settleAlone() : answer === 'ok')
    })
  } catch (error) {
    for (const { reject } of ends) reject(error)
  }
}
