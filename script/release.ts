/**
 * Makes a release: the changes under "Unreleased" get the version and the date, package.json gets the version, and both
 * are committed and tagged. It publishes nothing: it prints the command for that.
 *   node --import tsx script/release.ts 0.2.0
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

const root = new URL('../', import.meta.url).pathname
const HEADING = '## [Unreleased]'

/**
 * The changelog with its unreleased changes under a version.
 * @param date such as 2026-11-28
 * @throws Error when there are no changes, or the version is none, or is in the changelog
 */
export function releasedChangelog(changelog: string, version: string, date: string): string {
  if (!/^\d+\.\d+\.\d+(-[a-z]+\.\d+)?$/.test(version))
    throw new Error(`version: expected one such as 0.2.0 or 0.2.0-beta.1, got ${version || 'nothing'}`)
  if (changelog.includes(`## [${version}]`))
    throw new Error(`CHANGELOG.md: expected a new version, ${version} is in it`)
  const [before = '', rest] = changelog.split(`${HEADING}\n`)
  if (rest === undefined) throw new Error(`CHANGELOG.md: expected the heading ${HEADING}, found none`)
  const changes = rest.split(/^## /m)[0] ?? ''
  if (!/^- /m.test(changes)) throw new Error('CHANGELOG.md: expected changes under "Unreleased", found none')
  return `${before}${HEADING}\n\n## [${version}] - ${date}\n${rest}`
}

function release(version: string): void {
  const run = (file: string, ...args: string[]): string => execFileSync(file, args, { cwd: root, encoding: 'utf8' })
  const dirty = run('git', 'status', '--porcelain').trim()
  if (dirty !== '') throw new Error(`expected a checkout without changes, found:\n${dirty}`)
  const changelog = readFileSync(`${root}CHANGELOG.md`, 'utf8')
  const released = releasedChangelog(changelog, version, new Date().toISOString().slice(0, 10))
  run('npm', 'version', version, '--no-git-tag-version')
  writeFileSync(`${root}CHANGELOG.md`, released)
  run('git', 'commit', '--quiet', '--all', '--message', `Release ${version}`)
  run('git', 'tag', '--annotate', `v${version}`, '--message', version)
  console.log(`committed and tagged v${version}; next:
  npm test && npm run check && rm -rf dist && script/build
  git push --follow-tags
  npm publish --provenance "$(node --import tsx script/package.ts)"`)
}

if (process.argv[1]?.endsWith('script/release.ts')) {
  try {
    release(process.argv[2] ?? '')
  } catch (error) {
    console.error(`release: ${(error as Error).message}`)
    process.exitCode = 1
  }
}
