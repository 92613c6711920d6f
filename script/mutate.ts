/**
 * Changes the sources in small ways, one at a time, and sees whether the tests notice.
 *   npm run mutate                                   a sample of each file of the table below
 *   npm run mutate -- runtime/cron/cron.ts           all mutants of one file of the table, or of several
 *   MUTANTS=8 MUTATE_SEED=1 npm run mutate           the size of a sample, and which it is
 * Works in a copy of the project, never in the project itself. A mutant that no test notices has survived; all of them are
 * written to coverage/mutants.txt. docs/quality.md has the last figures, and why each survivor stays.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { luaMutantsOf, mutantsOf, type Mutant } from './mutate/mutants.ts'

const root = new URL('../', import.meta.url).pathname
/** Longer than any of the tests takes: a mutant that never ends is noticed, too. */
const longestMs = 120_000

/** Files, the most important ones of the product, and the tests that speak for them, the quickest first. */
const table: Record<string, string[]> = {
  'runtime/core/codec.ts': ['core/codec', 'properties/codec'],
  'runtime/core/json-text.ts': ['core/codec', 'properties/codec', 'fuzz/stored'],
  'runtime/cron/cron.ts': ['scheduler/cron', 'scheduler/cron-clocks', 'properties/cron'],
  'runtime/cron/cron-fields.ts': ['scheduler/cron', 'properties/cron'],
  'runtime/cron/timing.ts': ['scheduler/fire-times', 'scheduler/timing'],
  'runtime/jobs/retry.ts': ['properties/worker', 'jobs/options'],
  'runtime/workflow/graph/graph.ts': ['workflow/graph', 'composition/compile'],
  'runtime/workflow/graph/graph-builder.ts': ['workflow/graph', 'composition/compile'],
  'runtime/store/runs/runs.ts': [
    'workflow/engine',
    'workflow/model-changes',
    'workflow/lost-steps',
    'workflow/workflow',
    'workflow/kept-runs',
  ],
  'runtime/store/runs/run-table.ts': ['workflow/engine', 'workflow/model-changes'],
  'runtime/store/runs/run-writer.ts': ['workflow/engine', 'workflow/additions', 'workflow/workflow'],
  'runtime/store/queues/queues.ts': ['store/batches', 'store/unique', 'inspect/bulk-changes'],
  'runtime/store/queues/delayed.ts': [
    'store/delayed',
    'store/delayed-foreign',
    'inspect/bulk-changes',
    'scheduler/mover',
  ],
  'runtime/store/queues/failures.ts': [
    'store/failures',
    'store/unreadable',
    'inspect/failed-change',
    'properties/worker',
  ],
  'runtime/store/workers/supervisors.ts': [
    'store/ends',
    'store/registration',
    'store/turns',
    'workflow/engine',
    'worker/ends',
    'worker/shutdown',
  ],
  'runtime/store/workers/end-writer.ts': ['store/ends', 'worker/settler', 'workflow/model', 'worker/redis-trouble'],
  'runtime/store/workers/maintenance-lock.ts': ['worker/wake'],
  'runtime/store/workers/reaper.ts': ['worker/leases', 'store/ends'],
  'runtime/store/limits/limits.ts': ['store/tickets', 'store/turns', 'inspect/limits'],
  'runtime/store/limits/locks.ts': ['store/unique', 'scheduler/leader'],
  'runtime/worker/lease/lease.ts': ['worker/leases'],
  'runtime/worker/outcome/cause.ts': ['worker/ends', 'worker/settler'],
  'runtime/worker/outcome/settler.ts': ['worker/settler', 'worker/ends'],
  'runtime/worker/reserve/fetcher.ts': ['properties/worker', 'worker/wake', 'worker/begin'],
  'scheduler/delayed-mover.ts': ['scheduler/mover'],
  'scheduler/firing/firer.ts': ['scheduler/firing', 'scheduler/catchup'],
  'runtime/store/lua/queues/reserve.lua': [
    'store/turns',
    'store/ends',
    'store/batches',
    'store/refused-queues',
    'store/unreadable',
    'worker/wake',
  ],
  'runtime/store/lua/queues/settle-batch.lua': ['store/ends'],
  'runtime/store/lua/queues/requeue.lua': ['store/ends', 'workflow/model-changes'],
  'runtime/store/lua/workers/reclaim.lua': [
    'store/ends',
    'store/wrong-types',
    'store/unreadable',
    'worker/leases',
    'workflow/model',
  ],
  'runtime/store/lua/limits/acquire.lua': ['store/tickets', 'store/turns', 'inspect/limits', 'worker/limits'],
  'runtime/store/lua/include/propagate.lua': ['workflow/model-changes', 'workflow/engine'],
  'runtime/store/lua/include/run-step.lua': ['workflow/model-changes', 'workflow/engine', 'workflow/additions'],
  'runtime/store/lua/queues/move-due.lua': ['store/delayed', 'scheduler/mover'],
}

/** A copy of the project to change; what it needs besides the sources is linked. */
function copied(): string {
  const copy = mkdtempSync(join(tmpdir(), 'mutate-'))
  for (const name of [
    'bin',
    'cli',
    'config',
    'dist',
    'runtime',
    'scheduler',
    'script',
    'src',
    'test',
    'web',
    'package.json',
    'schedule.yml',
    'tsconfig.json',
  ])
    cpSync(join(root, name), join(copy, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

const run = (copy: string, args: readonly string[]): Promise<boolean> =>
  new Promise((resolve) => {
    const child = spawn('node', args, {
      cwd: copy,
      stdio: 'ignore',
      detached: true,
      env: { ...process.env, NODE_ENV: 'test' },
    })
    const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), longestMs)
    child.on('exit', (code) => {
      clearTimeout(timer)
      resolve(code === 0)
    })
  })

/** Whether all tests of a file pass with the copy as it is. */
async function passes(copy: string, file: string): Promise<boolean> {
  if (file.endsWith('.lua') && !(await run(copy, ['--import', 'tsx', 'script/build-lua.ts']))) return false
  for (const test of table[file] ?? [])
    if (!(await run(copy, ['--conditions=source', '--import', 'tsx', `test/${test}.test.ts`]))) return false
  return true
}

/** The same `count` of a list for the same seed, in their order. */
function sampled(mutants: readonly Mutant[], count: number, seed: number): Mutant[] {
  let state = seed
  const drawn = mutants.map((mutant) => ({ mutant, key: (state = (state * 48_271) % 2_147_483_647) }))
  const kept = new Set(
    drawn
      .sort((a, b) => a.key - b.key)
      .slice(0, count)
      .map(({ mutant }) => mutant),
  )
  return mutants.filter((mutant) => kept.has(mutant))
}

/** Tries mutants of a file. @returns a line of the report, then one for each survivor */
async function mutate(copy: string, file: string, count: number): Promise<string[]> {
  const text = readFileSync(join(root, file), 'utf8')
  const all = file.endsWith('.lua') ? luaMutantsOf(text) : mutantsOf(file, text)
  if (!(await passes(copy, file)))
    return [`${file}: expected its tests to pass before anything is changed, they do not`]
  const survivors: string[] = []
  const mutants = sampled(all, count, Number(process.env.MUTATE_SEED ?? 20_271))
  for (const { line, what, text: changed } of mutants) {
    writeFileSync(join(copy, file), changed)
    if (await passes(copy, file)) survivors.push(`${file}:${line}: ${what}`)
  }
  writeFileSync(join(copy, file), text)
  if (file.endsWith('.lua')) await run(copy, ['--import', 'tsx', 'script/build-lua.ts'])
  const killed = mutants.length - survivors.length
  return [`${file}: ${killed} of ${mutants.length} noticed (of ${all.length})`, ...survivors.map((each) => `  ${each}`)]
}

const chosen = process.argv.slice(2)
const unknown = chosen.find((file) => !Object.hasOwn(table, file))
if (unknown !== undefined) {
  console.error(`mutate: expected a file of the table in script/mutate.ts, got ${unknown}`)
  process.exit(2)
}
const count = Number(process.env.MUTANTS ?? (chosen.length > 0 ? Infinity : 15))
const copy = copied()
const report: string[] = []
try {
  for (const file of chosen.length > 0 ? chosen : Object.keys(table)) {
    const lines = await mutate(copy, file, count)
    console.log(lines.join('\n'))
    report.push(...lines)
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
mkdirSync(join(root, 'coverage'), { recursive: true })
writeFileSync(join(root, 'coverage/mutants.txt'), `${report.join('\n')}\n`)
