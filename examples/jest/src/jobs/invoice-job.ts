import { enqueue, Job } from 'resque-runtime'

export class ReceiptJob extends Job {
  static queue = 'low'
  async perform(order: string) {
    return `receipt for ${order}`
  }
}

export class InvoiceJob extends Job {
  static queue = 'default'
  static keepResult = '1h'

  async perform(order: string, cents: number[]) {
    if (cents.length === 0) throw new Error(`${order}: expected at least one amount`)
    await enqueue(ReceiptJob, order)
    return { order, total: cents.reduce((sum, each) => sum + each, 0) }
  }
}
