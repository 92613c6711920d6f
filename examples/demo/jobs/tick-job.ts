import { Job } from 'resque-runtime'

/** Named by schedule.yml. */
export class TickJob extends Job {
  static override queue = 'default'
  static override keepResult = '10 minutes'

  perform(): string {
    return new Date().toISOString()
  }
}
