import { Job } from 'resque-runtime'

/** Stays until it is ended, for looking at its process. */
export class Stays extends Job {
  async perform(): Promise<void> {
    await new Promise((resolve) => this.signal.addEventListener('abort', resolve))
  }
}
