// What `npm pack` makes, installed into an empty application as a stranger would.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { stagePackage } from '../../script/package.ts'
import { leavesNoProcess, ROOT, startProcess, type Exit } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'

leavesNoProcess({ withinMs: 20_000 })
const server = useRedis()

const reminder = `import { Job } from 'resque-runtime'

export class ReminderJob extends Job {
  static queue = 'high'
  static keepResult = '1h'
  async perform(userId: string, opts?: { urgent: boolean }) {
    return { reminded: userId, urgent: opts?.urgent ?? false }
  }
}
`

it('an empty application with one job works with npx runtime work, and the demo runs from the package', async (t) => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'installed-')))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const app = join(folder, 'app')
  const run = async (file: string, ...args: string[]): Promise<Exit> => {
    const options = { cwd: app, timeoutMs: 240_000, env: { REDIS_URL: server.url } }
    const exit = await startProcess(file, args, options).exited
    assert.equal(exit.exitCode, 0, `${file} ${args.join(' ')}: ${exit.stdout}${exit.stderr}`)
    return exit
  }
  await mkdir(join(app, 'src/jobs'), { recursive: true })
  const pack = [
    'pack',
    stagePackage(join(folder, 'package')),
    '--ignore-scripts',
    '--silent',
    '--pack-destination',
    folder,
  ]
  const packed = await startProcess('npm', pack, { cwd: ROOT, timeoutMs: 120_000 }).exited
  await run('npm', 'init', '-y')
  await run('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, packed.stdout.trim()))
  await writeFile(join(app, 'src/jobs/reminder-job.ts'), reminder)

  const { stdout: id } = await run('npx', 'runtime', 'enqueue', 'ReminderJob', '"u1"', '{"urgent":true}')
  const worked = await run('npx', 'runtime', 'work', '--queues', 'high', '--drain')
  assert.match(worked.stderr, /working on high/)
  const { stdout: shown } = await run('npx', 'runtime', 'job', 'show', id.trim(), '--json')
  const { state, result } = JSON.parse(shown)
  assert.deepEqual([state, result], ['done', { reminded: 'u1', urgent: true }])
  const names = ['-p', "[typeof require('resque-runtime').Job, import('resque-runtime') instanceof Promise].join()"]
  assert.match((await run('node', ...names)).stdout, /^function,true$/m, 'CommonJS may require it')
  assert.match((await run('npx', 'resque-runtime', 'demo')).stdout, /every job ended as it should/)
})
