// BullMQ's sandboxed processor: its process is kept for the next job.
export default async function empty() {}
