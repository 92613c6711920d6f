import { close, configure, enqueue } from 'resque-runtime'
import { drain, inline } from 'resque-runtime/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { InvoiceJob, ReceiptJob } from '../src/jobs/invoice-job.ts'

// A worker that runs meanwhile, such as that of `npm start`, must not take the jobs of the test.
configure({ namespace: `test-${process.pid}` })
afterAll(() => close())

describe('InvoiceJob', () => {
  it('refuses an order without amounts', async () => {
    await expect(inline(InvoiceJob, 'o1', [])).rejects.toThrow('o1: expected at least one amount')
  })

  // Needs a Redis: REDIS_URL, or `npm start` in another terminal.
  it('adds the amounts, and enqueues the receipt', async () => {
    const handle = await enqueue(InvoiceJob, 'o2', [100, 250])
    await drain([InvoiceJob, ReceiptJob])
    expect(await handle.result()).toEqual({ order: 'o2', total: 350 })
  })
})
