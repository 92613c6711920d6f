// A worker of a test's own: the fixture application, short leases, and a file in which its jobs leave their traces.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, type TestContext } from 'node:test'
import { systemClock } from '../../runtime/core/clock.ts'
import { newId } from '../../runtime/core/ids.ts'
import { encodeItem } from '../../runtime/core/codec.ts'
import { Client } from '../../runtime/jobs/client.ts'
import { callOptions, type JobOptions } from '../../runtime/jobs/options.ts'
import type { MemoryFigures } from '../../runtime/messages.ts'
import type { JobRecord, JobState } from '../../runtime/store/queues/jobs.ts'
import type { Store } from '../../runtime/store/store.ts'
import { ROOT, startCli, type ProcessOptions, type Running } from '../support/process.ts'
import type { TestRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'

export const workerApp = `${ROOT}test/fixtures/apps/worker`

/** What a job's process says of its memory. */
export const memoryFigures: MemoryFigures = {
  ...{ rssBytes: 1, heapTotalBytes: 1, heapUsedBytes: 1, externalBytes: 1, arrayBuffersBytes: 1, spaces: {} },
}

/** A folder that is removed after the test. */
export function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'test-process-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Where jobs leave their traces. */
export interface Evidence {
  readonly file: string
  /** Lines so far, split into words; those that begin with `first` when it is given. */
  lines(...first: string[]): string[][]
}

export function useEvidence(): Evidence {
  const dir = mkdtempSync(join(tmpdir(), 'test-evidence-'))
  const file = join(dir, 'lines')
  beforeEach(() => writeFileSync(file, ''))
  after(() => rmSync(dir, { recursive: true, force: true }))
  return {
    file,
    lines: (...first) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split(' '))
        .filter((words) => first.every((word, i) => words[i] === word)),
  }
}

export interface WorkerOptions extends ProcessOptions {
  queues?: string
  isolation?: 'inline' | 'spawn' | 'fork'
  concurrency?: number
  args?: string[]
}

/** Starts `runtime work` on the fixture application and waits until it takes jobs. */
export async function startWorker(
  server: TestRedis,
  evidence: Evidence,
  options: WorkerOptions = {},
): Promise<Running> {
  const running = launchWorker(server, evidence, options)
  await running.waitForLine(/working on/, { timeoutMs: 60_000 })
  return running
}

/** The same without waiting. */
export function launchWorker(
  server: Pick<TestRedis, 'url'>,
  evidence: Evidence,
  { queues = 'q', isolation = 'fork', concurrency = 1, args = [], env, ...options }: WorkerOptions = {},
): Running {
  const flags = ['--queues', queues, '--isolation', isolation, '--concurrency', String(concurrency), ...args]
  return startCli(['work', ...flags], {
    cwd: workerApp,
    ...options,
    env: {
      REDIS_URL: server.url,
      EVIDENCE: evidence.file,
      RUNTIME_WORKER_HEARTBEAT_MS: '200',
      RUNTIME_WORKER_LEASE_MS: '2000',
      RUNTIME_WORKER_TERM_TIMEOUT_MS: '500',
      RUNTIME_WORKER_POLL_MS: '100',
      ...env,
    },
  })
}

/** A store on the server, for a test file; closed at its end. */
export function useStore(server: TestRedis): { readonly store: Store; readonly client: Client } {
  let made: { store: Store; client: Client } | undefined
  const get = (): { store: Store; client: Client } => {
    if (!made) {
      const store = testStore(server)
      const settings = { maxPayloadBytes: 1_000_000, recordTtlMs: 60_000, waitingTtlMs: 60_000 }
      made = { store, client: new Client(store, settings, systemClock) }
    }
    return made
  }
  after(() => made?.store.close())
  return {
    get store() {
      return get().store
    },
    get client() {
      return get().client
    },
  }
}

/** Enqueues by class name, as a producer that does not have the class. @returns the job's id */
export async function push(
  store: Store,
  className: string,
  args: unknown[],
  options: JobOptions & { uniqueKey?: string } = {},
): Promise<string> {
  const { uniqueKey, queue = 'q', ...rest } = options
  const id = newId(Date.now())
  const call = callOptions(className, rest, args)
  const job = {
    id,
    className,
    item: encodeItem(className, args, Infinity),
    ...(call ? { options: call } : {}),
    ...(uniqueKey === undefined ? {} : { unique: { key: uniqueKey, forMs: 60_000 } }),
  }
  const [holder] = await store.queues.push(queue, [job], Date.now(), 86_400_000)
  return holder ?? id
}

/** Waits until a job is in one of these states. */
export async function untilState(store: Store, id: string, ...states: JobState[]): Promise<JobRecord> {
  return eventually(
    async () => {
      const record = await store.jobs.find(id)
      if (!record) throw new Error(`job ${id}: no record`)
      if (!states.includes(record.state)) throw new Error(`job ${id} is ${record.state}: ${JSON.stringify(record)}`)
      return record
    },
    { timeoutMs: 60_000, intervalMs: 20, what: `job ${id} to be ${states.join(' or ')}` },
  )
}

/** The process from which a worker forks its jobs. */
export function zygoteOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  return Number(children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('Zygote of')) ?? NaN)
}
