import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'node:test'
import { close, configure } from '../../runtime/jobs/default-client.ts'
import type { ConfigFlags } from '../../config/load.ts'
import { ROOT } from '../support/process.ts'
import type { TestRedis } from '../support/redis.ts'
import { startInlineWorker } from '../workflow/inline-worker.ts'

/** The application of the composition, memory and template tests. */
export const composedApp = { root: `${ROOT}test/fixtures/apps/composed`, paths: ['src/jobs'] }

/** What the tests of one file share; valid inside a test. */
export interface Bench {
  readonly dir: string
  /** A file that steps write to; its lines, in order. */
  readonly trace: string
  lines(): string[]
  /** Starts a worker that runs jobs in this process. */
  work(concurrency?: number): Promise<void>
  /** Settings for this test. */
  settings(flags: ConfigFlags): void
}

/** A folder, a configured client and, when asked for, a worker for each test of a file. */
export function useBench(redis: TestRedis): Bench {
  let dir = ''
  let stop: (() => Promise<void>) | undefined
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'composed-'))
    writeFileSync(join(dir, 'trace'), '')
    configure({ cwd: dir, redis: { url: redis.url } })
  })
  afterEach(async () => {
    await stop?.()
    stop = undefined
    close()
    rmSync(dir, { recursive: true })
  })
  return {
    get dir() {
      return dir
    },
    get trace() {
      return join(dir, 'trace')
    },
    lines: () => readFileSync(join(dir, 'trace'), 'utf8').trim().split('\n'),
    work: async (concurrency = 2) => void (stop = await startInlineWorker(redis, concurrency, {}, composedApp)),
    settings: (flags) => configure({ cwd: dir, redis: { url: redis.url }, ...flags }),
  }
}
