/**
 * Changes the sources in small ways, one at a time, and sees whether the tests notice.
 *   npm run mutate                                   a sample of each file of the table below
 *   npm run mutate -- runtime/cron/cron.ts           all mutants of one file of the table, or of several
 *   npm run mutate -- runtime/cron/cron.ts:77        those of one line
 *   MUTANTS=8 MUTATE_SEED=1 npm run mutate           the size of a sample, and which it is
 * Works in a copy of the project, never in the project itself. A mutant that no test notices has survived; all of them are
 * written to coverage/mutants.txt. docs/quality.md has the last figures, and why each survivor stays.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { luaMutantsOf, mutantsOf, type Mutant } from './mutate/mutants.ts'
import { table } from './mutate/table.ts'

const root = new URL('../', import.meta.url).pathname
/** Longer than any of the tests takes: a mutant that never ends is noticed, too. */
const longestMs = 120_000

/** A copy of the project to change; what it needs besides the sources is linked. */
function copied(): string {
  const copy = mkdtempSync(join(tmpdir(), 'mutate-'))
  const folders = ['bin', 'cli', 'config', 'dist', 'docs', 'runtime', 'scheduler', 'script', 'src', 'test', 'web']
  for (const name of [...folders, 'package.json', 'schedule.yml', 'tsconfig.json'])
    cpSync(join(root, name), join(copy, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

const run = (copy: string, args: readonly string[]): Promise<boolean> =>
  new Promise((resolve) => {
    const child = spawn('node', ['--test-reporter=tap', ...args], {
      cwd: copy,
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
      env: { ...process.env, NODE_ENV: 'test', TMPDIR: copy },
    })
    const kill = (): boolean => process.kill(-(child.pid ?? 0), 'SIGKILL')
    const timer = setTimeout(kill, longestMs)
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      // The first test that fails has noticed the mutant.
      output = (output + chunk.toString()).slice(-5000)
      if (child.exitCode === null && child.signalCode === null && /^ *not ok /m.test(output)) kill()
    })
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

/** Files whose tests pass before anything is changed. */
const passed = new Set<string>()

/** Tries mutants of a file. @returns a line of the report, then one for each survivor */
async function mutate(copy: string, file: string, line: string | undefined, count: number): Promise<string[]> {
  const text = readFileSync(join(root, file), 'utf8')
  const all = file.endsWith('.lua') ? luaMutantsOf(text) : mutantsOf(file, text)
  if (!passed.has(file) && !(await passes(copy, file)))
    return [`${file}: expected its tests to pass before anything is changed, they do not`]
  passed.add(file)
  const survivors: string[] = []
  const ofLine = all.filter((mutant) => line === undefined || mutant.line === Number(line))
  const mutants = sampled(ofLine, count, Number(process.env.MUTATE_SEED ?? 20_271))
  for (const { line, what, text: changed } of mutants) {
    writeFileSync(join(copy, file), changed)
    if (await passes(copy, file)) survivors.push(`${file}:${line}: ${what}`)
  }
  writeFileSync(join(copy, file), text)
  if (file.endsWith('.lua')) await run(copy, ['--import', 'tsx', 'script/build-lua.ts'])
  const killed = mutants.length - survivors.length
  return [`${file}: ${killed} of ${mutants.length} noticed (of ${all.length})`, ...survivors.map((each) => `  ${each}`)]
}

const chosen = process.argv.slice(2).map((each) => each.split(':') as [file: string, line?: string])
const unknown = chosen.find(([file]) => !Object.hasOwn(table, file))
if (unknown !== undefined) {
  console.error(`mutate: expected a file of script/mutate/table.ts, got ${unknown[0]}`)
  process.exit(2)
}
const count = Number(process.env.MUTANTS ?? (chosen.length > 0 ? Infinity : 15))
const copy = copied()
const report: string[] = []
try {
  const places = chosen.length > 0 ? chosen : Object.keys(table).map((file): [string, string?] => [file])
  for (const [file, line] of places) {
    const lines = await mutate(copy, file, line, count)
    console.log(lines.join('\n'))
    report.push(...lines)
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
mkdirSync(join(root, 'coverage'), { recursive: true })
writeFileSync(join(root, 'coverage/mutants.txt'), `${report.join('\n')}\n`)
