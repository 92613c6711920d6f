/**
 * The queues in the order of one draw: each next one is drawn from those left, in proportion to its weight, so that
 * `high=3,low=1` looks into high first three times of four, and no queue starves.
 * @param weights by queue name; a queue without one has 1
 * @param random 0…1, drawn anew at each call
 */
export function weightedOrder(
  queues: readonly string[],
  weights: Readonly<Record<string, number>>,
  random: () => number = Math.random,
): string[] {
  // Exponential keys: the smallest of -ln(u)/w falls on each queue with a chance in proportion to its weight.
  const keyed = queues.map((queue) => ({ queue, at: -Math.log(1 - random()) / (weights[queue] ?? 1) }))
  return keyed.sort((a, b) => a.at - b.at).map(({ queue }) => queue)
}
