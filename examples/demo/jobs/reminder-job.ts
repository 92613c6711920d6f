import { Job } from 'resque-runtime'

/** Enqueued with `enqueueIn('2 seconds', ReminderJob, …)`. */
export class ReminderJob extends Job {
  static override queue = 'high'
  static override keepResult = '10 minutes'

  perform(text: string): string {
    this.log(text)
    return text
  }
}
