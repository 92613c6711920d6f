import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { makeApp, removesApps } from '../support/app.ts'
import { runCommand } from '../support/command.ts'
import { leavesNoProcess, runCli, startCli, startProcess } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'

leavesNoProcess({ withinMs: 20_000 })
removesApps()
const server = useRedis()
const timeoutMs = 90_000
const ofNpm =
  '{ "name": "app", "type": "commonjs", "main": "index.js", "scripts": { "test": "echo no test specified" } }'

describe('runtime init', () => {
  it('makes an application whose test passes and whose jobs run, and overwrites nothing', async () => {
    const cwd = await makeApp({ 'package.json': ofNpm })
    assert.equal((await runCommand(['init', '--template', 'js'], { cwd })).exitCode, 0)
    const manifest = JSON.parse(await readFile(join(cwd, 'package.json'), 'utf8')) as Record<string, any>
    assert.deepEqual([manifest['name'], manifest['type']], ['app', 'module'])
    const tested = await startProcess('npm', ['test', '--silent'], { cwd, timeoutMs }).exited
    assert.equal(tested.exitCode, 0, tested.stdout + tested.stderr)
    const env = { REDIS_URL: server.url }
    assert.equal(
      (await runCommand(['workflow', 'run', 'GreetingsWorkflow', '["ann","ben"]'], { cwd, env })).exitCode,
      0,
    )
    const worked = await runCli(['work', '--drain'], { cwd, env, timeoutMs })
    assert.deepEqual([worked.exitCode, /"classes":4/.test(worked.stderr)], [0, true], worked.stderr)
    assert.match((await runCommand(['schedule', 'check'], { cwd, env })).stdout, /1 valid entry/)
    const before = await readFile(join(cwd, 'schedule.yml'), 'utf8')
    const again = await runCommand(['init', '--template', 'js'], { cwd })
    assert.equal(again.exitCode, 1)
    assert.match(again.stderr, /expected a folder without config\/runtime\.yml.*schedule\.yml.*; nothing was written/)
    assert.equal(await readFile(join(cwd, 'schedule.yml'), 'utf8'), before)
  })

  it('has templates for TypeScript and NestJS', async () => {
    for (const [template, files] of [
      ['ts', ['src/jobs/hello-job.ts', 'src/jobs/greetings-workflow.ts', 'test/hello.test.ts', 'tsconfig.json']],
      ['nest', ['src/jobs/report-job.ts', 'src/app.module.ts', 'config/preload.ts', 'tsconfig.json']],
    ] as const) {
      const cwd = await makeApp()
      assert.equal((await runCommand(['init', '--template', template], { cwd })).exitCode, 0)
      for (const file of [...files, 'Dockerfile', '.dockerignore', '.gitignore', '.vscode/launch.json'])
        await access(join(cwd, file))
      const { scripts } = JSON.parse(await readFile(join(cwd, 'package.json'), 'utf8')) as {
        scripts: Record<string, string>
      }
      // Each template runs with `npm run dev`; its launch file starts `npm run debug`.
      assert.deepEqual([scripts['dev'], scripts['debug']], ['runtime dev', 'runtime dev --inspect-jobs'])
    }
  })

  it('writes nothing when one of the files is there', async () => {
    const cwd = await makeApp({ 'schedule.yml': '' })
    assert.equal((await runCommand(['init'], { cwd })).exitCode, 1)
    await assert.rejects(readFile(join(cwd, 'src/jobs/hello-job.ts')))
  })
})

it('--inspect-jobs: a job waits for a debugger and stops in its file, also past its timeout; it ends while one is attached', async () => {
  const cwd = await makeApp()
  await writeFile(join(cwd, 'package.json'), '{ "type": "module" }')
  await runCommand(['init'], { cwd })
  await writeFile(
    join(cwd, 'src/jobs/stop-job.ts'),
    `import { Job } from 'resque-runtime'
    export class StopJob extends Job {
      static queue = 'default'
      static timeout = '1ms'
      perform(name: string) {
        debugger
        return name
      }
    }`,
  )
  const env = { REDIS_URL: server.url }
  const { stdout: id } = await runCommand(['enqueue', 'StopJob', '"x"'], { cwd, env })
  const worker = startCli(['work', '--inspect-jobs', '--drain'], { cwd, env, timeoutMs: 30_000 })
  const [, address = ''] = await worker.waitForLine(/StopJob waits for a debugger at ws:\/\/([\d.:]+)\//, { timeoutMs })
  const inspector = spawn(process.execPath, ['inspect', address], { stdio: ['pipe', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: inspector.stdout })) if (/break in .*stop-job\.ts/.test(line)) break
  inspector.stdin.write('cont\n')
  assert.equal((await worker.exited).exitCode, 0)
  inspector.kill()
  const { stdout } = await runCommand(['job', 'show', id.trim(), '--json'], { cwd, env })
  assert.equal((JSON.parse(stdout) as { state: string }).state, 'done')
})
