/** The work of script/test-examples: prints one row for each example, as docs/examples.md has it. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../test/support/postgres.ts'
import { startRedis } from '../test/support/redis.ts'
import { stagePackage } from './package.ts'

interface Manifest {
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}

const root = new URL('../', import.meta.url).pathname
const all = [...readdirSync(join(root, 'examples')), 'starter/js', 'starter/ts'].filter((name) =>
  existsSync(join(root, 'examples', name, 'package.json')),
)
const names = process.argv.length > 2 ? process.argv.slice(2) : all
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'examples-')))
const tarball = execFileSync('npm', ['pack', stagePackage(), '--silent', '--pack-destination', folder], {
  encoding: 'utf8',
}).trim()
const redis = await startRedis()
const postgres = await startPostgres()
const failed: string[] = []
try {
  for (const name of names) await test(name)
} finally {
  await Promise.all([redis.stop(), postgres.stop()])
  rmSync(folder, { recursive: true, force: true })
}
if (failed.length > 0) {
  console.error(`test-examples: failed: ${failed.join(', ')}`)
  process.exitCode = 1
}

/** Copies an example, installs the packed package with its dependencies, compiles and tests it. */
async function test(name: string): Promise<void> {
  const cwd = join(folder, name)
  cpSync(join(root, 'examples', name), cwd, { recursive: true, filter: (path) => !path.includes('node_modules') })
  const path = join(cwd, 'package.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest
  manifest.dependencies['resque-runtime'] = `file:${join(folder, tarball)}`
  writeFileSync(path, JSON.stringify(manifest))
  const env = { ...process.env, REDIS_URL: redis.url, DATABASE_URL: await postgres.database(), NODE_TEST_CONTEXT: '' }
  const steps = [
    ['npm', 'install', '--no-audit', '--no-fund', '--loglevel=error'],
    ['npm', 'test'],
    ...(existsSync(join(cwd, 'tsconfig.json')) ? [['npx', 'tsc', '--noEmit']] : []),
  ]
  for (const [file = '', ...args] of steps) {
    const { status, stdout, stderr } = spawnSync(file, args, { cwd, env, encoding: 'utf8', timeout: 600_000 })
    if (status === 0) continue
    failed.push(name)
    return console.error(`${name}: ${file} ${args.join(' ')}: exit ${status}\n${stdout}${stderr}`)
  }
  console.log(`| \`examples/${name}\` | ${versions(cwd, manifest)} | passed |`)
}

/** What was installed, beside this package. */
function versions(cwd: string, { dependencies, devDependencies }: Manifest): string {
  return Object.keys({ ...dependencies, ...devDependencies })
    .filter((name) => !/^(resque-runtime|tsx|typescript|rxjs|reflect-metadata|@types\/.*)$/.test(name))
    .map((name) => {
      const text = readFileSync(join(cwd, 'node_modules', name, 'package.json'), 'utf8')
      return `${name} ${(JSON.parse(text) as { version: string }).version}`
    })
    .join(', ')
}
