import { Job } from 'resque-runtime'

export class WelcomeJob extends Job {
  static queue = 'default'
  static keepResult = '1h'
  static retry = { limit: 5, backoff: 'exponential', delay: '10s' }

  async perform(email: string) {
    // Call your mail service here.
    return { sentTo: email }
  }
}
