import type { Archive } from '../archive/archive.ts'
import { openArchive } from '../archive/open-archive.ts'
import type { Inspected } from './inspected.ts'

/** Opens the archive for one piece of work. */
export async function withArchive<T>({ store, config }: Inspected, work: (archive: Archive) => Promise<T>): Promise<T> {
  const archive = openArchive(store, config.archive, config.namespace)
  try {
    return await work(archive)
  } finally {
    await archive.close()
  }
}
