// The processor of BullMQ's worker, in its own process or in sandboxed ones.
import { note, stay } from './note.mjs'

export default async function processJob(job) {
  if (job.name === 'stay') await stay()
  else note(job.data.mark)
}
