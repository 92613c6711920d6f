import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { problems, useApp, write } from './support.ts'

useApp()

describe('what is refused, in one line that says what to do', () => {
  const cases: [string, string, RegExp][] = [
    [
      'a misspelt setting',
      'worker:\n  concurency: 2\n',
      /^config\/runtime.yml:2: worker.concurency: .* did you mean concurrency\?$/,
    ],
    ['a misspelt section', 'wroker: {}\n', /^config\/runtime.yml:1: wroker: .* did you mean worker\?$/],
    ['a setting in the wrong place', 'concurrency: 2\n', /belongs under worker; write worker.concurrency$/],
    [
      'a name like none',
      'log:\n  xyzzyplugh: 1\n',
      /expected one of level, format, file; got an unknown setting; take it out$/,
    ],
    ['__proto__', 'worker:\n  __proto__: { drain: true }\n', /worker.__proto__: /],
    [
      'a word for a number',
      'worker:\n\n  concurrency: four\n',
      /^config\/runtime.yml:3: worker.concurrency: expected a whole number from 1 to 1000, or auto, got "four"; write for example concurrency: 1$/,
    ],
    ['a negative number', 'worker: { concurrency: -1 }\n', /got -1;/],
    ['a fraction', 'worker: { concurrency: 1.5 }\n', /got 1.5;/],
    [
      'a duration without sense',
      'worker: { pollMs: soon }\n',
      /expected milliseconds or text like '1s', at least 10 ms, got "soon"/,
    ],
    [
      'a list of nothing',
      'worker: { queues: [] }\n',
      /expected a list like \[high, low\] or text with commas, got \[\]/,
    ],
    ['a number in a list', 'worker: { queues: [1] }\n', /got \[1\]/],
    ['an unknown word', 'worker: { isolation: thread }\n', /expected one of auto, fork, spawn, inline, got "thread"/],
    ['a group that is none', 'worker: 5\n', /worker: expected a group of settings, got 5/],
    ['a list at the top', '- worker\n', /^config\/runtime.yml:1: expected settings like "worker:", got a list$/],
    [
      'broken YAML',
      'worker:\n  a: [1\nb: 2\n',
      /^config\/runtime.yml:\d: expected valid YAML, got: [^\n]+; correct that line$/,
    ],
    [
      'a key given twice',
      'log: {}\nlog: {}\n',
      /^config\/runtime.yml:\d: expected valid YAML, got: Map keys must be unique/,
    ],
    [
      'another kind of URL',
      'redis: { url: http://h }\n',
      /expected redis:\/\/\[user.* got an address that cannot be read/,
    ],
    [
      'an address with a raw @ and / in its password, of which nothing is shown',
      'redis: { url: "redis://:se@cr/et@host/0" }\n',
      /^(?!.*(?:se@|cr\/|et@)).*got an address that cannot be read \(not shown\)/,
    ],
    ['a number for a password', 'redis: { password: 12345 }\n', /expected text like secret, got a number/],
    [
      'two homes',
      'redis: { url: redis://h, sentinel: { name: m, nodes: [h:1] } }\n',
      /expected either url or sentinel, got both/,
    ],
    ['certificates without TLS', 'redis: { url: redis://h, tls: {} }\n', /expected a rediss:\/\/ url beside it/],
    [
      'a certificate that is not there',
      'redis: { url: rediss://h, tls: { ca: nope.pem } }\n',
      /redis.tls.ca: expected a file with -----BEGIN CERTIFICATE-----, got 'nope.pem', which is not there/,
    ],
    [
      'a certificate that is none',
      'redis: { url: rediss://h, tls: { ca: package.json } }\n',
      /redis.tls.ca: expected a file with -----BEGIN CERTIFICATE-----, got 'package.json', which has none/,
    ],
    [
      'a lease of one beat',
      'worker: { heartbeatMs: 5s, leaseMs: 5s }\n',
      /expected at least three heartbeats \(15000 ms\), got 5000/,
    ],
    ['a namespace with a space', "namespace: 'a b'\n", /expected text without spaces like resque/],
    ['an archive of another kind', 'archive: { url: mysql://h }\n', /expected postgres:\/\//],
  ]
  for (const [what, yaml, message] of cases) {
    it(what, async () => {
      await write('config/runtime.yml', yaml)
      const lines = problems()
      assert.equal(lines.length, 1, lines.join('\n'))
      assert.match(lines[0] ?? '', message)
      assert.doesNotMatch(lines[0] ?? '', /\n/)
    })
  }

  it('everything that is wrong is said at once, each with where it came from', async () => {
    await write('config/runtime.yml', 'log: { level: loud }\n')
    const lines = problems({
      env: { COUNT: 'x', RUNTIME_WORKER_LEASEMS: '1', RUNTIME_ENV: 'not ours', INTERVAL: 'often' },
      flags: { worker: { isolation: 'tread' } },
    })
    assert.deepEqual(lines.map((line) => line.split(':')[0]).sort(), [
      'COUNT',
      'INTERVAL',
      'RUNTIME_WORKER_LEASEMS',
      'command line',
      'config/runtime.yml',
    ])
    assert.match(lines.join('\n'), /did you mean RUNTIME_WORKER_LEASE_MS\?/)
  })

  it('no secret is shown', () => {
    const lines = problems({
      env: {
        REDIS_URL: 'http://user:hunter2@h',
        RUNTIME_REDIS_PASSWORD: 'hunter2',
        RUNTIME_ARCHIVE_URL: 'x://u:hunter2@h',
      },
    })
    assert.doesNotMatch(lines.join('\n'), /hunter2/)
  })
})
