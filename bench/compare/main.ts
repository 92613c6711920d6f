/**
 * Compares this runtime with its peers, doing the same work in interleaved rounds on servers that it starts itself.
 *
 *   npm run bench:compare -- [--quick] [--rounds 3] [--only row,row] [--peers ours,bullmq] [--minutes 10] [--write]
 *
 * A whole run writes bench/compare/results.json, docs/performance.md and the charts in docs/images; a part of one, or a quick one, only
 * prints its tables, unless it has --write. script/build-docs.ts writes the page
 * from the results that are there. Peers that are missing are named with
 * the command that installs them.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { documents } from '../../script/build-docs.ts'
import { describeMachine } from './machine.ts'
import type { Bench, Measure, Sizes } from './measure.ts'
import { measures } from './measures/index.ts'
import { contestantsNode, NPM, ROOT, type Peer } from './peer.ts'
import { peers } from './peers/index.ts'
import { RESULTS, tables } from './report/page.ts'
import { Tally, type Results } from './results.ts'
import { postgresProgram, Servers } from './servers.ts'

const USUAL: Sizes = {
  windowMs: 1000,
  warmUpMs: 800,
  enqueued: 1000,
  steps: 200,
  large: 400,
  wakes: 50,
  wakesMs: 2500,
  delayed: 40,
  idleMs: 10_000,
}
const QUICK: Sizes = {
  windowMs: 400,
  warmUpMs: 200,
  enqueued: 300,
  steps: 50,
  large: 50,
  wakes: 8,
  wakesMs: 1000,
  delayed: 10,
  idleMs: 3000,
}

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string' },
    peers: { type: 'string' },
    minutes: { type: 'string', default: '10' },
    write: { type: 'boolean' },
  },
})

/** What npm has for the comparison alone, in a folder of its own. Without a registry its peers are missing. */
function installFromNpm(): void {
  const stamp = join(NPM, 'node_modules/.package-lock.json')
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(join(NPM, 'package-lock.json')).mtimeMs) return
  console.log('installing what bench/compare/npm/package-lock.json names')
  try {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: NPM, stdio: 'inherit' })
  } catch {
    console.error('npm could not install it')
  }
}

function present(wanted: readonly Peer[]): { here: Peer[]; absent: Results['absent'] } {
  const installOf = (peer: Peer): string | undefined => {
    if (peer.version() === undefined) return peer.install
    const server = peer.server === 'postgres' && !existsSync(postgresProgram())
    return server ? 'script/bootstrap --compare' : undefined
  }
  return {
    here: wanted.filter((peer) => installOf(peer) === undefined),
    absent: wanted.flatMap((peer) => {
      const install = installOf(peer)
      return install === undefined ? [] : [{ name: peer.name, install }]
    }),
  }
}

async function one({ bench, tally }: Run, measure: Measure, peer: Peer): Promise<void> {
  const startedAt = performance.now()
  const say = (text: string): void =>
    console.log(
      `  ${measure.id.padEnd(18)} ${peer.name.padEnd(16)} ${text} (${seconds(performance.now() - startedAt)})`,
    )
  try {
    const values = await measure.run(bench, peer)
    tally.add(peer.id, values)
    say(
      Object.values(values)
        .map((list) => (list.reduce((sum, one) => sum + one, 0) / list.length).toPrecision(4))
        .join('  '),
    )
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    tally.fail(peer.id, measure, why)
    say(`failed: ${why}`)
  }
}

/** The measures of a round, the first being 0. */
const ofRound = (chosen: readonly Measure[], number: number): Measure[] =>
  chosen.filter(({ rounds }) => rounds === undefined || number < rounds)

/** Runs a round, and notes how long each of its measures took. */
async function round(number: number, run: Run, tookMs: Map<Measure, number>): Promise<void> {
  for (const measure of ofRound(run.chosen, number)) {
    const startedAt = performance.now()
    const able = run.here.filter((peer) => measure.has(peer))
    // No peer is always the first.
    const order = able.map((_, n) => able[(n + number) % able.length] as Peer)
    if (measure.together) await Promise.all(order.map((peer) => one(run, measure, peer)))
    else for (const peer of order) await one(run, measure, peer)
    tookMs.set(measure, performance.now() - startedAt)
  }
}

interface Run {
  bench: Bench
  chosen: readonly Measure[]
  here: readonly Peer[]
  tally: Tally
}

/** Runs so many rounds, but begins none that would end after the time. @returns how many it ran */
async function rounds(run: Run, wanted: number, minutes: number): Promise<number> {
  const startedAt = performance.now()
  const tookMs = new Map<Measure, number>()
  for (let done = 0; done < wanted; done += 1) {
    const nextMs = ofRound(run.chosen, done).reduce((sum, measure) => sum + (tookMs.get(measure) ?? 0), 0)
    if (done > 0 && performance.now() - startedAt + nextMs > minutes * 60_000) return done
    console.log(`round ${done + 1} of ${wanted}, Node ${contestantsNode()}`)
    await round(done, run, tookMs)
  }
  return wanted
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

async function compare(): Promise<void> {
  installFromNpm()
  const only = flags.only?.split(',')
  const chosen = measures.filter(
    ({ id, rows }) => only === undefined || only.includes(id) || rows.some((row) => only.includes(row.id)),
  )
  const wanted = peers.filter(({ id }) => flags.peers === undefined || flags.peers.split(',').includes(id))
  if (chosen.length === 0 || wanted.length === 0) {
    throw new Error(
      `expected --only of ${measures.map(({ id }) => id).join(', ')}, and --peers of ${peers.map(({ id }) => id).join(', ')}`,
    )
  }
  const { here, absent } = present(wanted)
  for (const { name, install } of absent) console.log(`${name} is not here; to install it: ${install}`)
  const machine = describeMachine()
  const servers = new Servers()
  const run: Run = { bench: { servers, sizes: flags.quick ? QUICK : USUAL }, chosen, here, tally: new Tally() }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void servers.stop().finally(() => process.exit(1)))
  const startedAt = performance.now()
  const done = await rounds(run, Number(flags.rounds ?? (flags.quick ? 1 : 3)), Number(flags.minutes)).finally(() =>
    servers.stop(),
  )
  const results: Results = {
    date: new Date().toISOString().slice(0, 10),
    rounds: done,
    minutes: Number(((performance.now() - startedAt) / 60_000).toFixed(1)),
    machine,
    peers: here.map(({ id, name, settings, version }) => ({ id, name, version: version() ?? '', settings })),
    absent,
    rows: run.tally.rows(
      chosen,
      here.map(({ id }) => id),
    ),
  }
  console.log(tables(results))
  if (flags.write ?? (!flags.quick && flags.only === undefined && flags.peers === undefined)) {
    writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`)
    for (const { path, text, now } of documents()) if (text !== now) writeFileSync(join(ROOT, path), text)
    console.log('written: bench/compare/results.json, docs/performance.md, docs/images/compare-*.svg')
  }
}

await compare()
