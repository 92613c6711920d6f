import { Job } from 'resque-runtime'
import { closeDb } from '../db.ts'
import { relay } from '../orders.ts'

/** Enqueues what a process that died left in the outbox. schedule.yml runs it every ten seconds. */
export class RelayJob extends Job {
  static queue = 'default'

  async perform() {
    try {
      while ((await relay()) > 0);
    } finally {
      await closeDb()
    }
  }
}
