import { appendFileSync } from 'node:fs'
import { Job } from 'resque-runtime'

/** Notes how long ago, by the system's monotonic clock, it was put on the queue: nanoseconds in, milliseconds out. */
export class Latency extends Job {
  static override queue = 'bench'

  perform(enqueuedAtNs: string, file: string): void {
    const ms = Number(process.hrtime.bigint() - BigInt(enqueuedAtNs)) / 1e6
    appendFileSync(file, `${ms}\n`)
  }
}

/** Stays until it is ended, for looking at its process. */
export class Stays extends Job {
  async perform(): Promise<void> {
    await new Promise((resolve) => this.signal.addEventListener('abort', resolve))
  }
}
