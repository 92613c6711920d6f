/**
 * What keeps each kind of key from growing for ever (promise 12), by the beginning of its name without the namespace; the
 * longest beginning that fits counts. A test holds it against every key in keys.ts.
 */
const bounds: readonly [beginning: string, bound: string][] = [
  ['queues', 'one member a queue; `runtime queues clear` removes a queue'],
  ['queue:', 'as long as the work that waits: more workers, or `runtime queues clear`'],
  ['worker:', 'one a worker, while it lives; a dead one is removed when its lease has run out'],
  ['workers', 'one entry a worker, while it lives'],
  ['stat:', 'one number; those of a worker go with it'],
  ['failed', 'limits.failedMax; `runtime failed clear`'],
  ['pause-all-workers', 'one word'],
  ['resque_scheduler_leader_lock', 'one name, kept by node-resque for its own time'],
  ['delayed:last_enqueued_at', 'one field a schedule entry (resque-scheduler never removes them)'],
  ['delayed', 'as long as the work that is delayed: `runtime delayed list`'],
  ['timestamps:', 'one a delayed item, gone with it'],
  ['persistent_schedules', 'one field a dynamic schedule'],
  ['schedules_changed', 'one member a changed schedule, until a scheduler reads it'],
  ['resque:', 'one word with a time to live'],
  [
    'rt:job:',
    'limits.recordTtlMs after the end, limits.waitingTtlMs while it waits in a queue; running, held and delayed ones stay',
  ],
  ['rt:log:', 'limits.logLines of limits.logLineBytes, and limits.recordTtlMs'],
  ['rt:tickets:', 'about one field an item in the queue; those of items that Ruby took go with a later heartbeat'],
  ['rt:delayed:tickets:', 'gone with its second, or a week after it'],
  ['rt:delayed', 'one member a delayed job'],
  ['rt:idle:', 'one member a worker that waits for a job, while it polls'],
  ['rt:served-by:', 'one member a list of queues; gone two minutes after its last idle worker'],
  ['rt:deaths', 'a hundred entries, and an hour'],
  ['rt:duty:', 'one word with a time to live'],
  ['rt:wake', 'a channel, nothing is stored'],
  ['rt:ended:', 'a channel, nothing is stored'],
  ['rt:control', 'a channel, nothing is stored'],
  ['rt:stack:', 'a channel, nothing is stored'],
  ['rt:schedules:missed', 'the last missed firings'],
  ['rt:schedules', 'one field a schedule entry'],
  ['rt:schedules:own', 'one field a dynamic schedule'],
  ['rt:schedulers', 'one member a scheduler, for ten seconds after its last sign of life'],
  ['rt:schedule:', 'one a schedule entry'],
  ['rt:supervisor', 'one a supervisor, while it lives'],
  ['rt:supervisors:lost', 'a hundred entries, and a day'],
  ['rt:inflight:', 'one field a running job: worker.concurrency'],
  ['rt:paused', 'one member a paused queue'],
  ['rt:unique:', "as long as its job's record, gone with its job's end"],
  ['rt:limit:', 'at most `concurrency.limit` members'],
  ['rt:held-back', 'one field a queue'],
  ['rt:held', 'one member a job that waits for a slot'],
  ['rt:rate:', 'at most `rateLimit.limit` members, gone after `rateLimit.per`'],
  ['rt:rate', 'one member a job that waits for its window'],
  ['rt:runs', 'one member a run, workflows.ttlMs after its end'],
  ['rt:runs:indexed', 'one word'],
  ['rt:run', 'workflows.ttlMs after the end of the run'],
  ['rt:mem', 'memory.ttlMs'],
  ['rt:advancing', 'what runs have left to do, gone when it is done'],
  ['rt:pipeline-request', 'the latest 10 000, for 90 days'],
  ['rt:pipeline', 'one a pipeline'],
  ['rt:metrics:', 'at most 500 fields each; those of a minute are kept for 25 hours, those of an hour for 15 days'],
  ['rt:audit', 'the last 2000 changes, each up to a few kilobytes'],
  ['rt:archive:', 'a few words'],
  ['rt:archive', 'archive.maxRecords; with PostgreSQL archive.maxPending'],
]

/** What bounds a key. @param name without the namespace; undefined for one that is not this runtime's */
export function boundOf(name: string): string | undefined {
  const fitting = bounds.filter(([beginning]) => name.startsWith(beginning))
  return fitting.sort(([a], [b]) => b.length - a.length)[0]?.[1]
}
