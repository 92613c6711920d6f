import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { nearest } from '../../config/did-you-mean.ts'
import { SECTIONS } from '../../config/schema.ts'
import { maskUrl, parseRedisUrl } from '../../config/redis-url.ts'
import { parseBytes, parseDurationMs } from '../../config/units.ts'
import { ROOT } from '../support/process.ts'

describe('durations and sizes', () => {
  it('text has its unit, a number is in the smallest', () => {
    const ms = {
      '30s': 30_000,
      '1.5 hours': 5_400_000,
      '2 Days': 172_800_000,
      '250ms': 250,
      '1m': 60_000,
      '3 milliseconds': 3,
    }
    for (const [text, value] of Object.entries(ms)) assert.equal(parseDurationMs(text), value, text)
    assert.equal(parseDurationMs(1500), 1500)
    assert.equal(parseBytes('1mb'), 1024 ** 2)
    assert.equal(parseBytes('1.5 KB'), 1536)
    assert.equal(parseBytes(77), 77)
  })

  it('anything else is undefined', () => {
    for (const value of ['', 'soon', '-1s', '1 fortnight', '1s 2s', null, NaN, [], true]) {
      assert.equal(parseDurationMs(value), undefined, JSON.stringify(value))
      assert.equal(parseBytes(value), undefined, JSON.stringify(value))
    }
  })
})

describe('Redis URLs', () => {
  it('are taken apart', () => {
    assert.deepEqual(parseRedisUrl('redis://h'), { kind: 'tcp', host: 'h', port: 6379, path: '' })
    assert.deepEqual(parseRedisUrl('rediss://al:p%40ss@h:1/2'), {
      ...{ kind: 'tls', host: 'h', port: 1, path: '', db: 2 },
      ...{ username: 'al', password: 'p@ss' },
    })
    assert.deepEqual(parseRedisUrl('redis://:pw@[::1]:7'), {
      kind: 'tcp',
      host: '::1',
      port: 7,
      path: '',
      password: 'pw',
    })
    assert.deepEqual(parseRedisUrl('unix:///tmp/r.sock?db=1'), {
      kind: 'unix',
      host: '',
      port: 6379,
      path: '/tmp/r.sock',
      db: 1,
    })
    assert.equal(parseRedisUrl('/tmp/r.sock')?.path, '/tmp/r.sock')
  })

  it('or refused', () => {
    for (const text of [
      '',
      'h:6379',
      'http://h',
      'redis://',
      'redis://h/x',
      'unix://',
      'redis://h:99999',
      'redis://%@h',
    ]) {
      assert.equal(parseRedisUrl(text), undefined, text)
    }
  })

  it('are shown without their password, whatever it is', () => {
    assert.equal(maskUrl('redis://u:pw@h/1'), 'redis://u:***@h/1')
    assert.equal(maskUrl('redis://:p@w@h/1'), 'redis://:***@h/1')
    assert.equal(maskUrl('no secret here: redis://h:6379/0'), 'no secret here: redis://h:6379/0')
    fc.assert(
      fc.property(fc.stringMatching(/^[!-~]{6,20}$/), (secret) => {
        const password = `S3CR3T${secret}`
        assert.ok(!maskUrl(`cannot reach redis://u:${password}@h:1/0`).includes('S3CR3T'))
      }),
    )
  })
})

it('a misspelt name finds what was meant, and nonsense finds nothing', () => {
  const names = ['concurrency', 'queues', 'leaseMs']
  assert.equal(nearest('concurency', names), 'concurrency')
  assert.equal(nearest('QUEUE', names), 'queues')
  assert.equal(nearest('lease', names), 'leaseMs')
  assert.equal(nearest('wiat', ['at', 'wait']), 'wait', 'two letters swapped are one slip')
  assert.equal(nearest('zebra', names), undefined)
})

describe('every setting', () => {
  it('is read by something', async () => {
    const folders = ['cli', 'runtime', 'scheduler', 'web'].map(async (folder) =>
      (await readdir(join(ROOT, folder), { recursive: true })).map((path) => join(folder, path)),
    )
    const files = (await Promise.all(folders)).flat().filter((path) => path.endsWith('.ts'))
    const sources = await Promise.all(
      [...files, 'config/load.ts', 'config/redis-url.ts'].map((path) => readFile(join(ROOT, path), 'utf8')),
    )
    const product = sources.join('\n').replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')
    const isRead = (name: string): boolean =>
      new RegExp(`\\.${name}\\b|[{,]\\s*${name}\\s*[,:}=]|\\['${name}'\\]`).test(product)
    for (const section of Object.values(SECTIONS))
      for (const name of Object.keys(section)) assert.ok(isRead(name), `nothing reads ${name}`)
  })
})
