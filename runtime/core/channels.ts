import { channel } from 'node:diagnostics_channel'

/**
 * What happens in a process and belongs to no job, for whoever counts it (`/metrics`): Node's diagnostics channels, so that
 * the publisher knows no listener. Each message is the number of things that happened.
 */
export const channels = {
  /** A worker has lost its lease. */
  leaseLosses: channel('resque-runtime.lease-losses'),
  /** The zygote died, and another takes its place. */
  zygoteRestarts: channel('resque-runtime.zygote-restarts'),
  /** Jobs of a dead worker were put back on their queues by this process. */
  redeliveries: channel('resque-runtime.redeliveries'),
}
