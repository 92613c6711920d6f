import { Job } from 'resque-runtime'

/** Reminds a user of something; what `enqueueIn('5 days', ReminderJob, 'u1')` is for. */
export class ReminderJob extends Job {
  static override queue = 'high'
  static override timeout = '30 seconds'
  static override keepResult = '1h'

  async perform(userId: string, opts?: { urgent: boolean }): Promise<{ reminded: string; urgent: boolean }> {
    this.log(`reminding ${userId}`)
    return { reminded: userId, urgent: opts?.urgent ?? false }
  }
}
