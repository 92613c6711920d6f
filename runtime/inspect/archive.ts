import type { PageBounds } from '../core/cursor.ts'
import type { Archive, ArchivePage, ArchiveQuery } from '../archive/archive.ts'
import { openArchive } from '../archive/open-archive.ts'
import type { Count, InspectContext } from './context.ts'

/** Opens the archive for one piece of work. */
export async function withArchive<T>(
  { store, config }: InspectContext,
  work: (archive: Archive) => Promise<T>,
): Promise<T> {
  const archive = openArchive(store, config.archive, config.namespace)
  try {
    return await work(archive)
  } finally {
    await archive.close()
  }
}

/**
 * A page of what has ended, latest end first, and how many records match in all.
 * @param cursor `next` of the page before
 * @param mostMs in Redis: after so long the page and the count end with what they have
 * @throws RuntimeError ERR_ARGUMENT for a cursor that is none, ERR_ARCHIVE when PostgreSQL cannot be reached
 */
export async function archivePage(
  place: InspectContext,
  query: ArchiveQuery = {},
  { cursor, count = 50, mostMs }: PageBounds = {},
): Promise<ArchivePage & { total: Count }> {
  return withArchive(place, async (archive) => {
    const [page, total] = await Promise.all([
      archive.page(query, cursor, count, mostMs),
      archive.counted(query, mostMs),
    ])
    return { ...page, total }
  })
}
