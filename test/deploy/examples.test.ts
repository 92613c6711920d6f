// examples/deploy, checked as text, and started as its files say: no container engine is at hand.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { leavesNoProcess, runCli, ROOT, startProcess } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { push, useEvidence, useStore, workerApp } from '../worker/support.ts'

const server = useRedis()
const to = useStore(server)
const evidence = useEvidence()
leavesNoProcess({ withinMs: 20_000 })

const read = (name: string): string => readFileSync(`${ROOT}examples/deploy/${name}`, 'utf8')

const files = ['Dockerfile', 'compose.yml', 'resque-worker@.service', 'resque-scheduler.service']

/** How the image, and each unit, starts the runtime: words before its command. */
function startersIn(): string[][] {
  const entry = /^ENTRYPOINT (.*)$/m.exec(read('Dockerfile'))?.[1] ?? '[]'
  const units = files.slice(2).map((unit) => /^ExecStart=(.*\/runtime) /m.exec(read(unit))?.[1]?.split(' ') ?? [])
  return [JSON.parse(entry) as string[], ...units]
}

describe('examples/deploy', () => {
  it('names only commands and flags that there are', async () => {
    const texts = files.map(read).join('\n')
    const lines = [...texts.matchAll(/(?:command:|bin\/runtime) (?!redis-server)([a-z]+)(.*)$/gm)]
    assert.ok(lines.length >= 4)
    for (const [, command = '', rest = ''] of lines) {
      const help = (await runCli([command, '--help'], { timeoutMs: 60_000 })).stdout
      assert.ok(help.startsWith(`runtime ${command}\n`), `runtime ${command}`)
      for (const [flag] of rest.matchAll(/--[a-z-]+/g)) assert.ok(help.includes(flag), `${command} ${flag}`)
    }
  })

  it('starts the runtime so that signals reach it: QUIT lets the job in hand finish', async (t) => {
    const app = mkdtempSync(join(tmpdir(), 'test-deploy-'))
    t.after(() => rmSync(app, { recursive: true, force: true }))
    mkdirSync(join(app, 'node_modules/.bin'), { recursive: true })
    symlinkSync(`${ROOT}bin/runtime.js`, join(app, 'node_modules/.bin/runtime'))
    for (const name of ['config', 'src']) symlinkSync(join(workerApp, name), join(app, name))
    for (const [file = '', ...words] of startersIn()) {
      const program = file.replace(/^\/usr\/bin\/node$/, process.execPath)
      const worker = startProcess(program, [...words, 'work', '--queues', 'q', '--isolation', 'spawn'], {
        cwd: app,
        env: { REDIS_URL: server.url, EVIDENCE: evidence.file },
      })
      const id = await push(to.store, 'Records', [String(worker.pid), 500])
      await eventually(() => evidence.lines('begin', String(worker.pid)).length > 0, { timeoutMs: 60_000 })
      const { exitCode, signal } = await worker.stop('SIGQUIT')
      assert.deepEqual([exitCode, signal], [0, null], [file, ...words].join(' '))
      assert.equal((await to.store.jobs.find(id))?.state, 'done')
    }
  })

  it('lets the user of the image write where a worker that forks builds the application', () => {
    assert.match(read('Dockerfile'), /^RUN mkdir \.runtime && chown node:node \.runtime\nUSER node$/m)
  })

  it('keeps Redis from losing jobs, and gives workers time to finish', () => {
    const compose = parse(read('compose.yml'), { merge: true }) as {
      services: Record<string, { command: string; stop_signal?: string; stop_grace_period?: string; init?: boolean }>
    }
    assert.match(compose.services['redis']?.command ?? '', /appendonly yes.*noeviction/)
    const { worker } = compose.services
    assert.deepEqual([worker?.stop_signal, worker?.stop_grace_period, worker?.init], ['SIGQUIT', '60s', true])
    assert.match(read('Dockerfile'), /STOPSIGNAL SIGQUIT/)
  })

  it('has units that are whole', () => {
    for (const unit of ['resque-worker@.service', 'resque-scheduler.service']) {
      const sections = [...read(unit).matchAll(/^\[(\w+)\]$/gm)].map((match) => match[1])
      assert.deepEqual(sections, ['Unit', 'Service', 'Install'])
      for (const line of read(unit).split('\n')) assert.match(line, /^(#.*|\[\w+\]|[A-Z]\w+=.+|)$/)
    }
    // systemd's own check, where systemd is there and its node is where the units expect it.
    const verify = ['resque-worker@.service', 'resque-scheduler.service'].map(
      (unit) => `${ROOT}examples/deploy/${unit}`,
    )
    const { stderr, error } = spawnSync('systemd-analyze', ['verify', ...verify], { encoding: 'utf8' })
    if (!error && existsSync('/usr/bin/node'))
      assert.doesNotMatch(stderr, /resque-(worker|scheduler).*(:\d+:|Unknown|Invalid|Failed)/)
    assert.match(read('resque-worker@.service'), /Type=notify[^]*NotifyAccess=all[^]*KillSignal=SIGQUIT/)
  })
})
