// BullMQ's worker, with the processor in its own process: node bullmq-worker.mjs SOCKET SLOTS
import { Worker } from 'bullmq'
import { count } from './counted.mjs'

const [path, slots] = process.argv.slice(2)
new Worker('bench', async () => count(), { connection: { path }, concurrency: Number(slots) })
