// examples/deploy, checked as text: no container engine is at hand.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { runCli, ROOT } from '../support/process.ts'

const read = (name: string): string => readFileSync(`${ROOT}examples/deploy/${name}`, 'utf8')

/** Flags that `runtime <command>` knows. */
async function flagsOf(command: string): Promise<string> {
  return (await runCli([command, '--help'], { timeoutMs: 60_000 })).stdout
}

describe('examples/deploy', () => {
  it('names only commands and flags that there are', async () => {
    const texts = ['Dockerfile', 'compose.yml', 'resque-worker@.service', 'resque-scheduler.service']
      .map(read)
      .join('\n')
    const lines = [...texts.matchAll(/(?:command:|runtime) (work|scheduler|web)\b(.*)$/gm)]
    assert.ok(lines.length >= 5)
    for (const [, command = '', rest = ''] of lines) {
      const help = await flagsOf(command)
      for (const [flag] of rest.matchAll(/--[a-z-]+/g)) assert.ok(help.includes(flag), `${command} ${flag}`)
    }
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
    assert.match(read('resque-worker@.service'), /Type=notify[^]*NotifyAccess=all[^]*KillSignal=SIGQUIT/)
  })
})
