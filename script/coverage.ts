/**
 * Branch coverage of runtime/ and scheduler/ by the tests, of the tests' own processes and of those that they start.
 *   npm run coverage                          all tests, a folder at a time; fails under 90 %
 *   npm run coverage -- test/store test/jobs  these folders or files again; the others count as they were last time
 *   npm run coverage -- --report runtime/store  no tests; the lines of arms that did not run, under a folder or in a file
 * Each folder's figures are in coverage/<folder>.json, arms that no test ran in coverage/missed.txt. A process that is
 * killed leaves no figures of its last half second.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Reports } from './coverage/reports.ts'

const root = new URL('../', import.meta.url).pathname
const leastPercent = 90
const preload = join(root, 'script/coverage/measure.cjs')
const out = join(root, 'coverage')
const sources = ['runtime', 'scheduler']
  .flatMap((folder) => filesUnder(folder, /\.ts$/))
  .filter((file) => !/\.generated\.ts$/.test(file))

function filesUnder(folder: string, pattern: RegExp): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => pattern.test(name)).map((name) => join(folder, name))
}

const testFolders = (): string[] =>
  readdirSync(join(root, 'test'))
    .map((name) => `test/${name}`)
    .filter((folder) => statSync(join(root, folder)).isDirectory() && !/fixtures|support|contracts/.test(folder))

/** Runs the tests of a folder, or one file, and keeps which arms they ran. */
function measure(part: string): void {
  const files = part.endsWith('.ts') ? [part] : filesUnder(part, /\.test\.ts$/)
  if (files.length === 0) return
  const reports = mkdtempSync(join(tmpdir(), 'coverage-'))
  const { status } = spawnSync('bash', ['script/test', ...files], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, TEST_LOADER: 'tsx', NODE_V8_COVERAGE: reports, NODE_OPTIONS: `--require=${preload}` },
  })
  const found = new Reports(root, sources)
  found.readAll(reports)
  const arms = Object.fromEntries([...found.covered].map(([file, ids]) => [file, [...ids].sort()]))
  writeFileSync(join(out, `${part.replaceAll('/', '-')}.json`), JSON.stringify({ status, arms }, null, 1))
  removeFolder(reports)
}

/** A process that outlives its test may still write there; `maxRetries` of rmSync does not read a folder again. */
function removeFolder(folder: string): void {
  for (let tries = 1; ; tries += 1)
    try {
      return rmSync(folder, { recursive: true, force: true })
    } catch (error) {
      if (tries === 50) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
    }
}

/** Adds up what is on record. @returns the share of each folder, in percent */
function summarize(): Map<string, { covered: number; all: number }> {
  const ran = new Map<string, Set<string>>()
  for (const name of readdirSync(out).filter((each) => each.endsWith('.json'))) {
    const { arms } = JSON.parse(readFileSync(join(out, name), 'utf8')) as { arms: Record<string, string[]> }
    for (const [file, ids] of Object.entries(arms)) ran.set(file, new Set([...(ran.get(file) ?? []), ...ids]))
  }
  const known = new Reports(root, sources)
  const folders = new Map<string, { covered: number; all: number }>()
  const missed: string[] = []
  for (const file of sources) {
    for (const { id } of known.arms(file)) {
      const isCovered = ran.get(file)?.has(id) ?? false
      if (!isCovered) missed.push(`${file}:${id}`)
      for (const folder of [
        file
          .split('/')
          .slice(0, 2)
          .join('/')
          .replace(/\/[^/]*\.ts$/, ''),
        `${file.split('/')[0] ?? ''} in all`,
      ]) {
        const sum = folders.get(folder) ?? { covered: 0, all: 0 }
        folders.set(folder, { covered: sum.covered + Number(isCovered), all: sum.all + 1 })
      }
    }
  }
  writeFileSync(join(out, 'missed.txt'), `${missed.join('\n')}\n`)
  return folders
}

/** Prints the arms under a folder, or in a file, that no test ran, each with its line. */
function show(part: string): void {
  for (const missed of readFileSync(join(out, 'missed.txt'), 'utf8').split('\n')) {
    if (!missed.startsWith(part)) continue
    const [file = '', line] = missed.split(':')
    console.log(`${missed}\n    ${readFileSync(join(root, file), 'utf8').split('\n')[Number(line) - 1]?.trim() ?? ''}`)
  }
}

mkdirSync(out, { recursive: true })
const isReport = process.argv.includes('--report')
const parts = process.argv.slice(2).filter((part) => part !== '--report')
if (!isReport) {
  // The build of a coverage run has source maps; without this mark the next one is made without.
  rmSync(join(root, 'dist/.built'), { force: true })
  const built = spawnSync('node', ['--import', 'tsx', 'script/bundle.ts'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, SOURCE_MAPS: '1' },
  })
  if (built.status !== 0) process.exit(1)
  for (const part of parts.length > 0 ? parts : testFolders()) measure(part)
}
let isEnough = true
for (const [folder, { covered, all }] of [...summarize()].sort()) {
  const percent = (100 * covered) / all
  console.log(`${folder.padEnd(24)}${percent.toFixed(1).padStart(6)} %  ${covered} of ${all} arms`)
  if (folder.endsWith(' in all')) isEnough &&= percent >= leastPercent
}
if (isReport) parts.forEach(show)
if (!isEnough)
  console.error(
    `coverage: expected at least ${leastPercent} % of the arms of runtime/ and of scheduler/; see coverage/missed.txt`,
  )
process.exitCode = isEnough ? 0 : 1
