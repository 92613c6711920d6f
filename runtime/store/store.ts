import { ArchiveStream } from './archive.ts'
import { Connection } from './connection.ts'
import { Delayed } from './delayed.ts'
import { Failures } from './failures.ts'
import { Health } from './health.ts'
import { Jobs } from './jobs.ts'
import { Limits } from './limits.ts'
import { Locks } from './locks.ts'
import { PipelineStore } from './pipelines.ts'
import { Queues } from './queues.ts'
import { Runs } from './runs.ts'
import type { RedisSettings } from './redis.ts'
import { Schedules } from './schedules.ts'
import { Supervisors } from './supervisors.ts'
import { Workers } from './workers.ts'

/** Everything that is kept in Redis, one kind of record each. */
export interface Store {
  readonly connection: Connection
  readonly queues: Queues
  readonly health: Health
  readonly jobs: Jobs
  readonly delayed: Delayed
  readonly failures: Failures
  readonly limits: Limits
  readonly locks: Locks
  readonly schedules: Schedules
  readonly workers: Workers
  readonly supervisors: Supervisors
  readonly runs: Runs
  readonly archive: ArchiveStream
  readonly pipelines: PipelineStore
  /** Lets go of Redis at once; commands under way fail. */
  close(): void
}

/** Opens the store of one namespace. Nothing is sent until it is used. */
export function openStore(settings: RedisSettings, namespace: string): Store {
  const connection = new Connection(settings, namespace)
  return {
    connection,
    queues: new Queues(connection),
    health: new Health(connection),
    jobs: new Jobs(connection),
    delayed: new Delayed(connection),
    failures: new Failures(connection),
    limits: new Limits(connection),
    locks: new Locks(connection),
    schedules: new Schedules(connection),
    workers: new Workers(connection),
    supervisors: new Supervisors(connection),
    runs: new Runs(connection),
    archive: new ArchiveStream(connection),
    pipelines: new PipelineStore(connection),
    close: () => connection.close(),
  }
}
