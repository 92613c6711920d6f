/**
 * Every Redis key and its type. All keys are defined here, also those of the Lua scripts (script/build-lua.ts). Each key
 * begins with the namespace, `resque:` by default. Keys without `rt:` belong to Resque 3.0 and resque-scheduler 5.0.
 * Keys with `rt:` belong to this runtime; Ruby ignores them.
 */
export const keyTemplates = {
  // --- Resque
  /** set: queue names; every push adds the name of its queue */
  queues: 'queues',
  /** list: job JSON, pushed at the tail, reserved from the head */
  queue: 'queue:{queue}',
  /** set: worker ids `host:pid:queues` */
  workers: 'workers',
  /** string: JSON of the job that the worker runs; exists only while a job runs, and for our workers once it has run for 50 ms */
  worker: 'worker:{worker}',
  /** string: time at which the worker started, in the worker's time zone */
  workerStarted: 'worker:{worker}:started',
  /** hash: worker id → time of its last heartbeat, ISO 8601 */
  heartbeats: 'workers:heartbeat',
  /** string: number of jobs that all workers have processed */
  statProcessed: 'stat:processed',
  /** string: number of jobs that have failed in all workers */
  statFailed: 'stat:failed',
  /** string: the same for one worker */
  statProcessedOf: 'stat:processed:{worker}',
  statFailedOf: 'stat:failed:{worker}',
  /** list: failure JSON, oldest first */
  failed: 'failed',
  /** string: `true` pauses all workers */
  pauseAll: 'pause-all-workers',

  // --- resque-scheduler
  /** zset: unix second, with the same second as score */
  delayedSchedule: 'delayed_queue_schedule',
  /** list: job JSON with its queue, of the jobs due in that second */
  delayedBucket: 'delayed:{second}',
  /** set: names `delayed:<second>` of the lists that contain this exact item */
  delayedTimestamps: 'timestamps:{item}',
  /** hash: schedule name → time of its last firing, local time */
  lastEnqueuedAt: 'delayed:last_enqueued_at',
  /** hash: schedule name → its configuration, JSON */
  persistentSchedules: 'persistent_schedules',
  /** set: names of schedules whose configuration has changed */
  schedulesChanged: 'schedules_changed',
  /**
   * string: `host:pid` of the leading scheduler. The full key contains the namespace twice, as in Ruby. The prefix is
   * empty, or `MyApp:` if RESQUE_SCHEDULER_MASTER_LOCK_PREFIX is set
   */
  schedulerLock: 'resque:{lockPrefix}resque_scheduler_master_lock',
  /** string: name of the leading scheduler of node-resque; this lock does not exclude resque-scheduler or this runtime's scheduler */
  nodeSchedulerLock: 'resque_scheduler_leader_lock',

  // --- jobs
  /** hash: record of a job; docs/redis-keys.md lists its fields */
  job: 'rt:job:{id}',
  /** hash: first 24 hex digits of the SHA-1 of an item → id (or ids) of the waiting job with those bytes */
  idsByPayload: 'rt:tickets:{queue}',
  /** hash: the same for one of Resque's delayed lists; deleted with the list, or a week after its second */
  delayedIdsByPayload: 'rt:delayed:tickets:{second}',
  /** zset: job id, scored by its due time in milliseconds; retries, snoozes and short delays */
  delayed: 'rt:delayed',
  /** list: last lines that a job logged */
  log: 'rt:log:{id}',
  /** zset: workers of one queue list that wait for a job → the Redis time in ms until which they wait; a push takes one and wakes it */
  idle: 'rt:idle:{list}',
  /** zset: the queue lists that contain the queue, as `rt:idle:` names them → the Redis time in ms until which they are known */
  servedBy: 'rt:served-by:{queue}',
  /** channel: name of a queue, published to one idle worker when a job is pushed to that queue */
  wakeWorker: 'rt:wake:worker:{worker}',
  /** channel: name of a queue that is new */
  wakeQueues: 'rt:wake:queues',
  /** channel: name of a queue, published when a job is pushed to it; only workers of version 0.1 listen to it */
  wake: 'rt:wake',
  /** channel: due time in milliseconds, published when a job is delayed */
  wakeDelayed: 'rt:wake:delayed',
  /** channel: id of a job, published when it has ended */
  ended: 'rt:ended:{id}',
  /** channel: commands for supervisors: `cancel <job id>`, `stack <job id> <request>` */
  control: 'rt:control',
  /** channel: a worker's answer to a `stack` request, JSON */
  stackAnswer: 'rt:stack:{request}',

  // --- schedules
  /** hash: state of one entry: `since`, `cursor` (fire time up to which every firing is recorded), `slot`, `fired_at`, `late_ms`, `fired`, `job`, `next`, `missed`, `paused`, `asked`, `timing` … */
  schedule: 'rt:schedule:{name}',
  /** hash: schedule name → JSON of the entry that the leading scheduler has loaded; read by lists */
  schedules: 'rt:schedules',
  /** hash: schedule name → its configuration as JSON, of those set from code that Ruby's scheduler cannot read */
  ownSchedules: 'rt:schedules:own',
  /** zset: `<zone of its machine> <host:pid>` of each scheduler of this runtime, by the Redis time in ms until which it is taken for alive */
  schedulers: 'rt:schedulers',
  /** list: JSON of missed firings, newest last */
  missedFirings: 'rt:schedules:missed',
  /** list: fire times of an entry that wait until its previous run has ended (overlap: queue) */
  waitingFirings: 'rt:schedules:waiting:{name}',
  /** channel: name of a schedule, published when it is changed, paused or run by hand; empty when the lock is released */
  wakeSchedule: 'rt:wake:schedule',

  // --- counters of jobs, made by runtime/metrics/tally.ts
  /** hash: JSON array of a counter's name and labels → number, since the first job; at most 500 fields */
  metricsTotal: 'rt:metrics:total',
  /** hash: the same for one minute (unix time / 60), kept for 25 hours */
  metricsMinute: 'rt:metrics:minute:{minute}',
  /** hash: the same for one hour (unix time / 3600), kept for 15 days */
  metricsHour: 'rt:metrics:hour:{hour}',

  // --- supervisors
  /** zset: supervisor id, scored by the Redis time in milliseconds at which its lease expires */
  supervisors: 'rt:supervisors',
  /** hash: description of one supervisor: `slots` (worker ids, JSON), `host`, `pid`, `started_at`, `launcher`, `fallback`, what running jobs (`usage`) and the zygote use … */
  supervisor: 'rt:supervisor:{supervisor}',
  /** string with a time to live: id of the process that holds a maintenance lock, and works for all others: `upkeep` (moves due jobs, continues runs, checks limits) */
  duty: 'rt:duty:{duty}',
  /** channel: name of a maintenance lock, published when its holder has stopped */
  wakeDuties: 'rt:wake:duties',
  /** hash: job id → `<delivery> <worker id>` of each job that the supervisor has reserved; this record makes delivery at-least-once */
  inflight: 'rt:inflight:{supervisor}',

  /** list: `<ms> <supervisor id>` of the last hundred supervisors that died, newest first; expires a day after the last one */
  lostSupervisors: 'rt:supervisors:lost',
  /** list: ids of at most a hundred jobs that failed without a worker of their own, until a worker calls its onDeath hook for them; expires after an hour */
  deaths: 'rt:deaths',

  // --- limits and pauses
  /** set: names of paused queues */
  pausedQueues: 'rt:paused',
  /** string: id of the job that holds a unique lock; expires with the job's record */
  unique: 'rt:unique:{key}',
  /** zset: job id → Redis time in ms at which it was assigned a slot of a concurrency limit */
  limitSlots: 'rt:limit:{key}',
  /** zset: id of a job that waits for a concurrency slot → the microsecond at which it was first reserved; the lowest is next */
  held: 'rt:held:{key}',
  /** set: keys of concurrency limits that jobs may wait for; every supervisor and scheduler checks them */
  heldKeys: 'rt:held-keys',
  /** hash: queue → id of the job that was requeued at its head last, after it had waited for a concurrency slot */
  heldBack: 'rt:held-back',
  /** zset: `<job id>:<delivery>` → its start in ms, within the last window of a rate limit */
  rateStarts: 'rt:rate:{key}',
  /** zset: id of a job that waits for the rate limit → its position; the first `limit` jobs are also in `rt:delayed` */
  rateLine: 'rt:rate-line:{key}',
  /** set: keys of rate limits that jobs may wait for */
  rateKeys: 'rt:rate-keys',

  // --- workflow runs (every run has the same few keys; runtime/store/runs/run-table.ts describes the layout)
  /** hash: status, class, args, globals, times, the queue for added jobs, and the number of nodes in each state */
  run: 'rt:run:{id}',
  /** string: 44 bytes per node: its state and its number of open parents */
  runTable: 'rt:run:{id}:table',
  /** string: u32 per edge: the children of all nodes, in order of the nodes */
  runChildren: 'rt:run:{id}:children',
  /** string: the same for the parents */
  runParents: 'rt:run:{id}:parents',
  /** hash: node → children added while the run was running; `p<node>` → parents added */
  runMore: 'rt:run:{id}:more',
  /** hash: kind → JSON of what its nodes share: class, queue, wait, retry, timeout */
  runKinds: 'rt:run:{id}:kinds',
  /** hash: `<kind>:<state>` → number of nodes */
  runTally: 'rt:run:{id}:tally',
  /** hash: node → its params, JSON */
  runParams: 'rt:run:{id}:params',
  /** hash: node → its name, if it has one */
  runLabels: 'rt:run:{id}:labels',
  /** hash: node → its output, JSON */
  runOutputs: 'rt:run:{id}:outputs',
  /** hash: failed node → its error, JSON */
  runFailed: 'rt:run:{id}:failed',
  /** hash: failed nodes that a `continue` has not queued yet */
  runRetrying: 'rt:run:{id}:retrying',
  /** list: nodes that became ready while the run was stopped */
  runHeld: 'rt:run:{id}:held',
  /** hash: running node → id of the job that runs it */
  runOwners: 'rt:run:{id}:owners',
  /** hash: run memory, name → JSON */
  runMemory: 'rt:mem:{prefix}:{id}',
  /** hash: run memory, name → the node that wrote it, if conflicts are checked */
  runMemoryBy: 'rt:mem-by:{prefix}:{id}',
  /** list: `<node> <state> <ms> <due ms>`, state changes of a run with a history */
  runMoves: 'rt:run:{id}:moves',
  /** zset: run id, scored by its creation time in ms */
  runs: 'rt:runs',
  /** zset: the same for the runs with one status */
  runsIs: 'rt:runs:is:{status}',
  /** zset: the same for the runs of one class */
  runsOf: 'rt:runs:of:{class}',
  /** zset: the same for the runs of one class with one status */
  runsIsOf: 'rt:runs:is:{status}:of:{class}',
  /** string: `all` when each run is in the index by class and status; else how far the search for those of older versions has come */
  runsIndexed: 'rt:runs:indexed',
  /** zset: ended run, scored by the time in ms at which it is removed */
  runsExpiring: 'rt:runs:expiring',
  /** string: id of the running run of a `unique` class */
  runUnique: 'rt:run-unique:{class}',
  /** list: work that runs have left to do, `<run> <work> …`; see run-continue.lua */
  advancing: 'rt:advancing',

  // --- pipelines
  /** hash: pipeline name → its latest version */
  pipelines: 'rt:pipelines',
  /** hash: version → JSON of the pipeline's steps; only the latest versions */
  pipeline: 'rt:pipeline:{name}',
  /** hash: `<step>/<parameter>`, or `/<parameter>` for all steps → JSON */
  pipelineParams: 'rt:pipeline-params:{name}',
  /** hash: one run request: `pipeline`, `first`, `instance`, `params`, `status`, `reason`, `run` … */
  pipelineRequest: 'rt:pipeline-request:{id}',
  /** zset: run request, scored by the time in ms at which it was written */
  pipelineRequests: 'rt:pipeline-requests',
  /** set: run requests that are not decided yet */
  pipelinePending: 'rt:pipeline-requests:pending',

  // --- the archive
  /** stream: records of ended jobs, steps and runs, oldest first; with PostgreSQL, the records that are not written to it yet */
  archive: 'rt:archive',
  /** hash: `keep` (redis | postgres), `max`, and with PostgreSQL `dropped`, `taken`, `taken_at`, `trouble` */
  archiveSettings: 'rt:archive:settings',
  /** string with a time to live: id of the archiver that holds the lock */
  archiveTurn: 'rt:archive:turn',

  // --- dashboard
  /** list: JSON of the last 2000 changes that people made on the dashboard, newest first */
  audit: 'rt:audit',
} as const

/** Names of the keys above. */
export type KeyName = keyof typeof keyTemplates

type Params<T extends string> = T extends `${string}{${string}}${infer Rest}`
  ? [part: string | number, ...Params<Rest>]
  : []

/** One function per key: `keys.queue('high')` is `resque:queue:high`. */
export type Keys = { readonly [K in KeyName]: (...parts: Params<(typeof keyTemplates)[K]>) => string } & {
  /** The namespace followed by a colon. */
  readonly prefix: string
}

/** The keys of one namespace (`resque`, `app`, or `a:b`). */
export function keysOf(namespace: string): Keys {
  const prefix = `${namespace}:`
  const entries = Object.entries(keyTemplates).map(([name, template]) => {
    const pieces = template.split(/\{\w+\}/)
    return [
      name,
      (...parts: (string | number)[]) => prefix + pieces.map((piece, i) => piece + (parts[i] ?? '')).join(''),
    ]
  })
  return { ...(Object.fromEntries(entries) as Keys), prefix }
}
