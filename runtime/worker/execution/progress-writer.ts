import { head } from '../../../config/clip.ts'
import { withCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Store } from '../../store/store.ts'

/** How often a job's progress and log reach Redis: a job that tells a thousand steps a second costs four writes. */
const everyMs = 250
/** The pid of a job that is over sooner is in its evidence only: a short job costs no command for it. */
const pidAfterMs = 100

/** What a running job says of itself, gathered and written in batches. Losing some of it loses no job. */
export class ProgressWriter {
  readonly #store: Store
  readonly #log: Logger
  readonly #id: string
  readonly #limits: { logLines: number; logLineBytes: number; recordTtlMs: number }
  #lines: string[] = []
  #hasLog = false
  #progress: string | undefined
  #timer: NodeJS.Timeout | undefined
  #pidTimer: NodeJS.Timeout | undefined

  constructor(
    store: Store,
    log: Logger,
    id: string,
    limits: { logLines: number; logLineBytes: number; recordTtlMs: number },
  ) {
    this.#store = store
    this.#log = log
    this.#id = id
    this.#limits = limits
  }

  /** Whether the job has logged a line. */
  get hasLog(): boolean {
    return this.#hasLog
  }

  /** `this.progress(at, of, note)` in the job. */
  progress(at: number, of: number, note: string): void {
    this.#progress = `${at}/${of} ${head(note, 500)}`
    this.#soon()
  }

  /** `this.log(line)` in the job. */
  line(text: string): void {
    this.#hasLog = true
    this.#lines.push(head(text, this.#limits.logLineBytes))
    if (this.#lines.length > this.#limits.logLines) this.#lines.shift()
    this.#soon()
  }

  /** The pid of its process, for `runtime ps`; not waited for. */
  pid(pid: number): void {
    clearTimeout(this.#pidTimer)
    const write = (): void => void this.#store.jobs.note(this.#id, { pid }).catch(() => undefined)
    this.#pidTimer = setTimeout(write, pidAfterMs)
  }

  /** The job has ended: writes what there is still to write. Never throws. */
  async close(): Promise<void> {
    clearTimeout(this.#pidTimer)
    if (this.#timer) await this.#flush()
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const [lines, progress] = [this.#lines, this.#progress]
    this.#lines = []
    this.#progress = undefined
    const { logLines, recordTtlMs } = this.#limits
    try {
      if (progress !== undefined) await this.#store.jobs.note(this.#id, { progress })
      if (lines.length > 0 && logLines > 0) await this.#store.jobs.addLog(this.#id, lines, logLines, recordTtlMs)
    } catch (error) {
      this.#log.warn(`job ${this.#id}: its log cannot be written: ${withCode(error)}`)
    }
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => void this.#flush(), everyMs)
  }
}
