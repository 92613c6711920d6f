/**
 * Every Redis key, its type, and who writes it. Nothing else in the project spells a key: the Lua scripts get theirs
 * from here, too (script/build-lua.ts). All of them carry the namespace, `resque:` by default. Names without `rt:`
 * are Resque's and resque-scheduler's own (Resque 3.0, resque-scheduler 5.0); what begins with `rt:` is ours, and Ruby
 * ignores it.
 */
export const keyTemplates = {
  // --- Resque
  /** set: queue names; every push adds */
  queues: 'queues',
  /** list: job JSON, pushed at the tail, taken from the head */
  queue: 'queue:{queue}',
  /** set: worker ids `host:pid:queues` */
  workers: 'workers',
  /** string: JSON of the job in hand, only while one runs */
  worker: 'worker:{worker}',
  /** string: local time of the worker's start */
  workerStarted: 'worker:{worker}:started',
  /** hash: worker id → ISO 8601 time of its last beat */
  heartbeats: 'workers:heartbeat',
  /** string: jobs taken off by all workers */
  statProcessed: 'stat:processed',
  /** string: jobs failed in all workers */
  statFailed: 'stat:failed',
  /** string: the same for one worker */
  statProcessedOf: 'stat:processed:{worker}',
  statFailedOf: 'stat:failed:{worker}',
  /** list: failure JSON, oldest first */
  failed: 'failed',
  /** string: `true` pauses all workers */
  pauseAll: 'pause-all-workers',

  // --- resque-scheduler
  /** zset: unix second → itself */
  delayedSchedule: 'delayed_queue_schedule',
  /** list: job JSON with its queue, due in that second */
  delayedBucket: 'delayed:{second}',
  /** set: `delayed:<second>` names in which this exact item waits */
  delayedTimestamps: 'timestamps:{item}',
  /** hash: schedule name → local time of its last firing */
  lastEnqueuedAt: 'delayed:last_enqueued_at',
  /** hash: schedule name → its configuration as JSON */
  persistentSchedules: 'persistent_schedules',
  /** set: names whose configuration changed */
  schedulesChanged: 'schedules_changed',
  /**
   * string: `host:pid` of the scheduler that leads (the namespace stands twice in the full key, as Ruby has it); the
   * prefix is blank, or `MyApp:` for RESQUE_SCHEDULER_MASTER_LOCK_PREFIX
   */
  schedulerLock: 'resque:{lockPrefix}resque_scheduler_master_lock',
  /** string: name of the scheduler of node-resque that leads; it excludes neither Ruby's nor ours */
  nodeSchedulerLock: 'resque_scheduler_leader_lock',

  // --- ours: jobs
  /** hash: what is known of one job; see docs/redis-keys.md for its fields */
  job: 'rt:job:{id}',
  /** hash: first 24 hex digits of an item's SHA-1 → the id (or ids) of the job that waits with those bytes */
  idsByPayload: 'rt:tickets:{queue}',
  /** the same for one of Resque's delayed buckets; goes with it, or a week after its second */
  delayedIdsByPayload: 'rt:delayed:tickets:{second}',
  /** zset: job id, by the millisecond at which it is due; retries, snoozes and short delays */
  delayed: 'rt:delayed',
  /** list: last lines a job logged */
  log: 'rt:log:{id}',
  /** channel: a queue's name, when something was pushed to it */
  wake: 'rt:wake',
  /** channel: a due time in milliseconds, when something was delayed */
  wakeDelayed: 'rt:wake:delayed',
  /** channel: a job's id, when it ended */
  ended: 'rt:ended:{id}',
  /** channel: a supervisor listens; `cancel <job id>` */
  control: 'rt:control',

  // --- ours: schedules
  /** hash: `since`, `cursor` (fire time up to which all is accounted for), `slot`, `fired_at`, `late_ms`, `fired`, `job`, `next`, `missed`, `paused`, `asked`, `timing` … of one entry */
  schedule: 'rt:schedule:{name}',
  /** hash: schedule name → JSON of what the leading scheduler has loaded, for lists */
  schedules: 'rt:schedules',
  /** list: JSON of missed firings, newest last */
  missedFirings: 'rt:schedules:missed',
  /** list: fire times of an entry that wait for the run before (overlap: queue) */
  waitingFirings: 'rt:schedules:waiting:{name}',
  /** channel: a schedule's name, when it was changed, paused, or run by hand; blank for the lock's release */
  wakeSchedule: 'rt:wake:schedule',

  // --- ours: supervisors
  /** zset: supervisor id, by the Redis time in milliseconds at which its lease ends */
  supervisors: 'rt:supervisors',
  /** hash: `slots` (worker ids, JSON), `host`, `pid`, `started_at`, `launcher`, `fallback` … of one supervisor */
  supervisor: 'rt:supervisor:{supervisor}',
  /** hash: job id → `<delivery> <worker id>` of every job the supervisor holds; the record that makes delivery at-least-once */
  inflight: 'rt:inflight:{supervisor}',

  // --- ours: flow control
  /** set: names of paused queues */
  pausedQueues: 'rt:paused',
  /** string: id of the job that holds a unique lock; expires with its record */
  unique: 'rt:unique:{key}',
  /** zset: job id → Redis time in ms at which it got a permit of a concurrency limit, by taking it or by being handed it */
  permits: 'rt:limit:{key}',
  /** zset: id of a job that waits for such a permit → its turn, the microsecond at which it was first taken */
  held: 'rt:held:{key}',
  /** set: limit keys whose line may not be empty; every supervisor and scheduler looks after them */
  heldKeys: 'rt:held-keys',
  /** hash: queue → id of the job that came back to its head last, having waited for a permit */
  heldBack: 'rt:held-back',
  /** zset: `<job id>:<delivery>` → its start in ms, within the last window of a rate limit */
  rateStarts: 'rt:rate:{key}',
  /** zset: id of a job that waits for room in the window → its turn; the first `limit` of them are in `rt:delayed`, too */
  rateLine: 'rt:rate-line:{key}',
  /** set: rate keys whose line may not be empty */
  rateKeys: 'rt:rate-keys',

  // --- ours: workflow runs (a run is these few keys, whatever its size; layout in runtime/store/runs/run-table.ts)
  /** hash: status, class, args, globals, times, the queue for jobs that are added, and how many nodes are in each state */
  run: 'rt:run:{id}',
  /** string: 44 bytes a node, its state and open parents */
  runTable: 'rt:run:{id}:table',
  /** string: u32 an edge, the children of all nodes one after another */
  runChildren: 'rt:run:{id}:children',
  /** string: the same for parents */
  runParents: 'rt:run:{id}:parents',
  /** hash: node → children added while running, `p<node>` → parents added */
  runMore: 'rt:run:{id}:more',
  /** hash: kind → JSON of what its nodes have in common: class, queue, wait, retry, timeout */
  runKinds: 'rt:run:{id}:kinds',
  /** hash: `<kind>:<state>` → how many nodes */
  runTally: 'rt:run:{id}:tally',
  /** hash: node → its params, JSON */
  runParams: 'rt:run:{id}:params',
  /** hash: node → its name, where it has one */
  runLabels: 'rt:run:{id}:labels',
  /** hash: node → its output, JSON */
  runOutputs: 'rt:run:{id}:outputs',
  /** hash: failed node → its error, JSON */
  runFailed: 'rt:run:{id}:failed',
  /** hash: failed nodes that a `continue` has yet to queue */
  runRetrying: 'rt:run:{id}:retrying',
  /** list: nodes that became ready while the run was stopped */
  runHeld: 'rt:run:{id}:held',
  /** hash: running node → id of the job that runs it */
  runOwners: 'rt:run:{id}:owners',
  /** hash: run memory, name → JSON */
  runMemory: 'rt:mem:{prefix}:{id}',
  /** hash: run memory, name → the node that wrote it, where conflicts are watched */
  runMemoryBy: 'rt:mem-by:{prefix}:{id}',
  /** list: `<node> <state> <ms> <due ms>`, moves of a run with a history */
  runMoves: 'rt:run:{id}:moves',
  /** zset: run id by its creation in ms */
  runs: 'rt:runs',
  /** zset: the same for one status */
  runsIs: 'rt:runs:is:{status}',
  /** zset: the same for one class */
  runsOf: 'rt:runs:of:{class}',
  /** zset: ended run by the ms at which it is removed */
  runsExpiring: 'rt:runs:expiring',
  /** string: id of the run of a `unique` class that is under way */
  runUnique: 'rt:run-unique:{class}',
  /** list: what runs have left to do, `<run> <work> …`; see run-continue.lua */
  advancing: 'rt:advancing',

  // --- ours: pipelines
  /** hash: pipeline name → its latest version */
  pipelines: 'rt:pipelines',
  /** hash: version → JSON of a pipeline's steps, the latest few */
  pipeline: 'rt:pipeline:{name}',
  /** hash: `<step>/<parameter>`, or `/<parameter>` for all steps → JSON */
  pipelineParams: 'rt:pipeline-params:{name}',
  /** hash: `pipeline`, `first`, `instance`, `params`, `status`, `reason`, `run` … of one run request */
  pipelineRequest: 'rt:pipeline-request:{id}',
  /** zset: run request by the ms of its writing */
  pipelineRequests: 'rt:pipeline-requests',
  /** set: run requests that nobody has decided about */
  pipelinePending: 'rt:pipeline-requests:pending',

  // --- ours: the archive
  /** stream: jobs, steps and runs that have ended, oldest first; with PostgreSQL, those that it has yet to take */
  archive: 'rt:archive',
  /** hash: `keep` (redis | postgres), `max`, and with PostgreSQL `dropped`, `taken`, `taken_at`, `trouble` */
  archiveSettings: 'rt:archive:settings',
  /** string with a time to live: the archiver whose turn it is */
  archiveTurn: 'rt:archive:turn',
} as const

/** Names of the keys above. */
export type KeyName = keyof typeof keyTemplates

type Params<T extends string> = T extends `${string}{${string}}${infer Rest}`
  ? [part: string | number, ...Params<Rest>]
  : []

/** One function a key: `keys.queue('high')` is `resque:queue:high`. */
export type Keys = { readonly [K in KeyName]: (...parts: Params<(typeof keyTemplates)[K]>) => string } & {
  /** The namespace with its colon. */
  readonly prefix: string
}

/** The keys of one namespace (`resque`, `app`, or `a:b`). */
export function keysOf(namespace: string): Keys {
  const prefix = `${namespace}:`
  const entries = Object.entries(keyTemplates).map(([name, template]) => {
    const pieces = template.split(/\{\w+\}/)
    return [
      name,
      (...parts: (string | number)[]) => prefix + pieces.map((piece, i) => piece + String(parts[i] ?? '')).join(''),
    ]
  })
  return { ...(Object.fromEntries(entries) as Keys), prefix }
}
