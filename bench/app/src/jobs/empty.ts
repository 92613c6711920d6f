import { Job } from 'resque-runtime'

/** Nothing but the cost of a job. */
export class Empty extends Job {
  perform(): void {}
}
