// One chaos run: work is produced while a seeded hand ends processes at random moments; in the end everything is counted.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { endStates } from '../../runtime/store/queues/jobs.ts'
import type { Store } from '../../runtime/store/store.ts'
import { markedProcesses } from '../support/process.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { blows, Crew, type Blow } from './crew.ts'
import { Flows } from './flows.ts'
import { Foreign, sharedQueue } from './foreign.ts'
import { produce, seeded, type Accepted } from './produce.ts'

export interface ChaosOptions {
  seed: number
  /** How long work is produced and blows are dealt. */
  forMs: number
  /** Stops producing at this many. */
  jobs: number
  /** A blow falls each so many ms, on average. */
  blowEveryMs: number
  isolations: readonly string[]
  /** For the end: what is left is stuck when no job or step has ended for so long. */
  settleMs: number
  say?: (line: string) => void
}

export interface ChaosReport {
  accepted: number
  refused: number
  runs: number
  flows: number
  /** Jobs that the foreign worker ran. */
  foreign: number
  blows: Record<Blow, number>
  /** What was broken, in words; none when every invariant holds. */
  broken: string[]
}

/** Numbers of the foreign worker's own jobs begin here. */
const firstForeign = 1e9
export async function chaos(options: ChaosOptions): Promise<ChaosReport> {
  const server = await startRedis({ appendonly: true })
  const dir = mkdtempSync(join(tmpdir(), 'test-chaos-'))
  const evidence = join(dir, 'lines')
  writeFileSync(evidence, '')
  const crew = new Crew(server, evidence, options.isolations)
  const store = testStore(server)
  const flows = new Flows(store)
  const foreign = new Foreign(server, evidence)
  try {
    const until = Date.now() + options.forMs
    const [work] = await Promise.all([
      produce(store, options, until),
      flows.produce(seeded(options.seed + 2), until),
      foreign.work(seeded(options.seed + 3), until, firstForeign),
      deal(crew, options, until),
    ])
    await crew.calm()
    options.say?.(`accepted ${work.accepted.length}; settling`)
    const unfinished = await settled(store, flows, foreign, work.accepted, evidence, options)
    const broken = [
      ...unfinished,
      ...(await flows.broken(lines(evidence))),
      ...(await tally(store, server, flows, foreign, work.accepted, evidence)),
      ...(await left(crew, store, server, foreign, unfinished.length > 0)),
    ]
    if (broken.length > 0) options.say?.(crew.words.slice(-4000))
    const runs = lines(evidence).filter(([what]) => what === 'begin').length
    return {
      accepted: work.accepted.length,
      refused: work.refused,
      runs,
      flows: flows.count,
      foreign: foreign.ran.size,
      blows: crew.dealt,
      broken,
    }
  } finally {
    store.close()
    await crew.end()
    await server.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function deal(crew: Crew, { seed, blowEveryMs }: ChaosOptions, until: number): Promise<void> {
  const random = seeded(seed)
  while (Date.now() < until) {
    await sleep(Math.min(random() * 2 * blowEveryMs, until - Date.now()))
    const at = random()
    // Children die more often than what holds them, as in life.
    const blow: Blow = at < 0.6 ? (at < 0.3 ? 'child' : 'grandchild') : (blows[2 + Math.floor(random() * 5)] ?? 'child')
    await crew.strike(blow, random)
  }
}

/** Waits until every accepted job has ended and nothing is held by anybody. */
async function settled(
  store: Store,
  flows: Flows,
  foreign: Foreign,
  accepted: readonly Accepted[],
  evidence: string,
  { settleMs }: ChaosOptions,
): Promise<string[]> {
  // The evidence grows with each beginning and end; a busy machine may take long over a long queue.
  let seen = { bytes: 0, atMs: Date.now() }
  const goesOn = (): boolean => {
    const bytes = statSync(evidence).size
    if (bytes > seen.bytes) seen = { bytes, atMs: Date.now() }
    return Date.now() - seen.atMs < settleMs
  }
  while (!(await flows.haveEnded()) && goesOn()) await sleep(100)
  // What the foreign worker took has a record that nobody ends, and what it lost is counted below.
  let open = accepted.filter(({ n }) => !foreign.ran.has(n))
  while (open.length > 0 && goesOn()) {
    const ended = await Promise.all(open.slice(0, 500).map((job) => hasEnded(store, job)))
    const still = open.slice(0, 500).filter((_, i) => !ended[i])
    open = [...still, ...open.slice(500)]
    if (still.length > 0) await sleep(100)
  }
  const stuck = await Promise.all(
    open.slice(0, 5).map(async ({ id, n }) => `${n} ${id} ${JSON.stringify(await store.jobs.find(id))}`),
  )
  return open.length === 0
    ? []
    : [`lost or stuck: ${open.length} accepted jobs have not ended, such as ${stuck.join('\n  ')}`]
}

/** True also for a job that LPOP took, where the reply was lost: how many there may be is counted by {@link tally}. */
async function hasEnded(store: Store, { id, item, shared }: Accepted): Promise<boolean> {
  const state = (await store.jobs.find(id))?.state
  if (state !== undefined && endStates.includes(state)) return true
  return shared && state === 'waiting' && (await store.health.placeInQueue(sharedQueue, item)) === undefined
}

const lines = (file: string): string[][] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '))

/** Each job ran or failed with a record; no end counts twice; at most once means it. */
async function tally(
  store: Store,
  server: TestRedis,
  flows: Flows,
  foreign: Foreign,
  accepted: readonly Accepted[],
  evidence: string,
): Promise<string[]> {
  const broken: string[] = []
  const runs = new Map<number, number>()
  for (const [what, n] of lines(evidence)) if (what === 'begin') runs.set(Number(n), (runs.get(Number(n)) ?? 0) + 1)
  let failed = 0
  const states = await inBatches(accepted, async ({ id }) => (await store.jobs.find(id))?.state)
  const neverRan = foreign.queued.filter((n) => !runs.has(n))
  for (const [i, { n, className, shared }] of accepted.entries()) {
    const times = runs.get(n) ?? 0
    if (states[i] === 'failed') failed += 1
    else if (times === 0 && shared) neverRan.push(n)
    else if (times === 0) broken.push(`job ${n} is ${states[i]} and never ran`)
    if (className === 'CountedOnce' && times > 1) broken.push(`at-most-once job ${n} ran ${times} times`)
  }
  if (neverRan.length > foreign.unknown)
    broken.push(`${neverRan.length} jobs of the shared queue never ran, at most ${foreign.unknown} were lost by LPOP`)
  // Each counted delivery adds one to Resque's counter in the step that ends it; the records, and the tables of runs, know
  // how many there were.
  const redis = server.client()
  const each = await inBatches(await redis.keys('resque:rt:job:*'), async (key) => {
    const [attempt, step] = await redis.hmget(key, 'attempt', 'step')
    return step ? 0 : Number(attempt ?? 0)
  })
  const tables = await redis.keys('resque:rt:run:*:table')
  const ofSteps = await flows.attempts(tables.map((key) => key.split(':')[3] ?? ''))
  const attempts = each.reduce((sum, one) => sum + one, ofSteps)
  const processed = Number(await redis.get('resque:stat:processed'))
  if (processed !== attempts)
    broken.push(
      `ends recorded: ${processed}, deliveries that could end: ${attempts} (${processed - attempts} too many)`,
    )
  if (failed > (await store.failures.count())) broken.push(`${failed} jobs failed, the failed list has fewer`)
  return broken
}

async function inBatches<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = []
  for (let at = 0; at < items.length; at += 500)
    answers.push(...(await Promise.all(items.slice(at, at + 500).map((item) => ask(item)))))
  return answers
}

/** Nothing is left over when all have gone. */
async function left(crew: Crew, store: Store, server: TestRedis, foreign: Foreign, hurry: boolean): Promise<string[]> {
  const broken: string[] = []
  const redis = server.client()
  const keys = async (...patterns: string[]): Promise<string[]> =>
    (await Promise.all(patterns.map((pattern) => redis.keys(`resque:${pattern}`)))).flat()
  // The dead of the last moments still have leases: those who live bury them.
  for (let i = 0; i < 100 && !hurry; i += 1) {
    if ((await store.supervisors.list()).length <= crew.supervisors.length) break
    await sleep(100)
  }
  const codes = await crew.leave()
  if (codes.some((code) => code !== 0)) broken.push(`exit codes ${codes.join(', ')}`)
  const waiting = await keys('queue:*', 'delayed*', 'rt:delayed')
  if (waiting.length > 0) broken.push(`still waiting: ${waiting.join(', ')}`)
  const locks = await keys('rt:unique:*')
  if (locks.length > foreign.ran.size + foreign.unknown) broken.push(`unique locks left: ${locks.join(', ')}`)
  const held = await keys('rt:inflight:*', 'rt:held:*', 'worker:*', 'rt:tickets:*')
  if (held.length > 0) broken.push(`left over in Redis: ${held.join(', ')}`)
  broken.push(...(await slotsLeft(store, redis)))
  const members = [...(await redis.smembers('resque:workers')), ...(await store.supervisors.list()).map(({ id }) => id)]
  if (members.length > 0) broken.push(`still registered: ${members.join(', ')}`)
  for (let i = 0; i < 50 && (await markedProcesses()).length > 1; i += 1) await sleep(100)
  const processes = (await markedProcesses()).filter(({ pid }) => pid !== server.pid)
  if (processes.length > 0) broken.push(`processes left: ${JSON.stringify(processes)}`)
  return broken
}

/**
 * Concurrency slots that no job should hold. A job that a foreign worker took from the shared queue after it was assigned
 * one keeps it: the next job that needs it gets it 30 seconds after it was assigned.
 */
async function slotsLeft(store: Store, redis: Redis): Promise<string[]> {
  const left: string[] = []
  for (const limit of await redis.keys('resque:rt:limit:*'))
    for (const id of await redis.zrange(limit, '0', '99')) {
      const record = await store.jobs.find(id)
      if (record?.state !== 'waiting' || record.queue !== sharedQueue)
        left.push(`${limit} is held by ${id}: ${JSON.stringify(record)}`)
    }
  return left
}
