// The processor of BullMQ's sandbox: an empty job.
export default async function empty() {}
