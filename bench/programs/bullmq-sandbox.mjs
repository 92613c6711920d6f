// BullMQ's worker, with the processor in processes of its own: node bullmq-sandbox.mjs URL SLOTS
import { fileURLToPath } from 'node:url'
import { Worker } from 'bullmq'

const [url, slots] = process.argv.slice(2)
const processor = fileURLToPath(new URL('./bullmq-empty.mjs', import.meta.url))
const worker = new Worker('bench', processor, {
  connection: { url, maxRetriesPerRequest: null },
  concurrency: Number(slots),
})
worker.on('error', console.error)
