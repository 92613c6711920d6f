import type { Store } from '../store/store.ts'
import type { Archive } from './archive.ts'
import { PostgresArchive } from './postgres-archive.ts'
import { openPool } from './postgres.ts'
import { RedisArchive } from './redis-archive.ts'

/** The archive's part of the configuration. */
export interface ArchiveSettings {
  /** `postgres://…`; absent: Redis keeps it. */
  url?: string
  /** What Redis keeps, without PostgreSQL; 0 keeps nothing. */
  maxRecords: number
  /** What waits in Redis for PostgreSQL. */
  maxPending: number
  batchSize: number
}

/** The archive as configured; close it in the end. */
export function openArchive(store: Store, { url }: ArchiveSettings, namespace: string): Archive {
  return url === undefined ? new RedisArchive(store.archive) : new PostgresArchive(openPool(url), namespace)
}
