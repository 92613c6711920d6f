import { Job } from 'resque-runtime'
import { closeDb } from '../db.ts'
import { charge } from '../charge.ts'

/** A job may run twice, so it charges an order only if it is not charged yet. */
export class ChargeJob extends Job {
  static queue = 'default'
  static keepResult = '1h'
  static retry = { limit: 10, backoff: 'exponential', delay: '5s' }

  async perform(orderId: number) {
    try {
      return { charged: await charge(orderId), pid: process.pid }
    } finally {
      await closeDb()
    }
  }
}
