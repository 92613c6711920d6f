import { ArchiveStream } from './archive.ts'
import { Audit } from './audit.ts'
import { Connection } from './connection/connection.ts'
import { Delayed } from './queues/delayed.ts'
import { Failures } from './queues/failures.ts'
import { Health } from './connection/health.ts'
import { Jobs } from './queues/jobs.ts'
import { Metrics } from './metrics.ts'
import { Limits } from './limits/limits.ts'
import { Locks, UniqueLocks } from './limits/locks.ts'
import { PipelineStore } from './runs/pipelines.ts'
import { Queues } from './queues/queues.ts'
import { Runs } from './runs/runs.ts'
import { ShownConnection } from './connection/shown.ts'
import type { RedisSettings } from '../../config/redis-url.ts'
import { Schedules } from './schedules/schedules.ts'
import { Supervisors } from './workers/supervisors.ts'
import { Workers } from './workers/workers.ts'
import { StackRequests } from './workers/stacks.ts'

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
  readonly uniqueLocks: UniqueLocks
  readonly schedules: Schedules
  readonly workers: Workers
  readonly supervisors: Supervisors
  readonly stacks: StackRequests
  readonly runs: Runs
  readonly archive: ArchiveStream
  readonly metrics: Metrics
  readonly pipelines: PipelineStore
  readonly audit: Audit
  /** Lets go of Redis at once; commands under way fail. */
  close(): void
}

/** Opens the store of one namespace. Nothing is sent until it is used. */
export const openStore = (settings: RedisSettings, namespace: string): Store =>
  storeOver(new Connection(settings, namespace))

/**
 * The same store for what is only shown: a key of another type reads as if it were not there.
 * @param unread gets a sentence for each such key
 */
export const shownStore = ({ connection }: Store, unread: Set<string>): Store =>
  storeOver(new ShownConnection(connection, unread))

function storeOver(connection: Connection): Store {
  return {
    connection,
    queues: new Queues(connection),
    health: new Health(connection),
    jobs: new Jobs(connection),
    delayed: new Delayed(connection),
    failures: new Failures(connection),
    limits: new Limits(connection),
    locks: new Locks(connection),
    uniqueLocks: new UniqueLocks(connection),
    schedules: new Schedules(connection),
    workers: new Workers(connection),
    supervisors: new Supervisors(connection),
    stacks: new StackRequests(connection),
    runs: new Runs(connection),
    archive: new ArchiveStream(connection),
    metrics: new Metrics(connection),
    pipelines: new PipelineStore(connection),
    audit: new Audit(connection),
    close: () => connection.close(),
  }
}
