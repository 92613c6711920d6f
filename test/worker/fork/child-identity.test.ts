// Forked state made distinct (promise 10): many siblings of one zygote, which has used everything before.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { silentLogger } from '../../../runtime/core/logger.ts'
import { leavesNoProcess } from '../../support/process.ts'
import { forkLauncher, noFallback, resultOf, writeApp } from './support.ts'

leavesNoProcess()

const SIBLINGS = 300

const preload = `
import crypto, { randomUUID, randomInt, randomFillSync } from 'node:crypto'
// As nanoid and uuid do it: a pool that is filled once, and ids cut from it.
export const pools = {
  node: randomFillSync(Buffer.allocUnsafe(256)),
  web: crypto.getRandomValues(new Uint8Array(1280)),
  secret: crypto.getRandomValues(new Uint8Array(32)),
}
Object.assign(globalThis, { pools })
for (const use of [Math.random, randomUUID, () => crypto.randomUUID(), () => globalThis.crypto.randomUUID(), () => randomInt(1000)]) use()
randomInt(5, () => undefined)
`

const job = `
import crypto, { randomUUID, randomInt, randomBytes } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { Job } from 'resque-runtime'
export class Draws extends Job {
  async perform(): Promise<unknown> {
    const { pools } = globalThis as any
    return {
      'Math.random': Math.random(),
      'crypto.randomUUID': crypto.randomUUID(),
      'randomUUID by name': randomUUID(),
      'web crypto randomUUID': globalThis.crypto.randomUUID(),
      'randomInt': [1, 2, 3].map(() => randomInt(2 ** 40)).join(),
      'randomBytes': randomBytes(16).toString('hex'),
      'getRandomValues': Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex'),
      'a pool filled by randomFillSync': pools.node.toString('hex'),
      'a pool filled by getRandomValues': Buffer.from(pools.web).toString('hex'),
      'process.pid': process.pid,
      secret: Buffer.from(pools.secret).toString('hex'),
      kernelPid: Number(readlinkSync('/proc/self')),
      uptime: process.uptime(),
    }
  }
}`

/** As bson draws the bytes that all ObjectIds of a process have in common, in older and in newer versions. */
const bson = `
const crypto = require('node:crypto')
exports.older = crypto.randomBytes(5)
exports.newer = globalThis.crypto.getRandomValues(Buffer.alloc(5))
exports.id = globalThis.crypto.getRandomValues(Buffer.alloc(16))
`
const hyperid = 'exports.made = 1'
const usesPackages = `
import { Job } from 'resque-runtime'
import bson from 'bson'
import 'hyperid'
export class Ids extends Job {
  async perform(): Promise<unknown> { return [bson.older, bson.newer, bson.id].map((bytes) => bytes.toString('hex')) }
}`

it('fork: what bson makes its ids from differs in each job, ids made before do not; other makers are named', async () => {
  const warnings: string[] = []
  const log = { ...silentLogger, warn: (line: string) => void warnings.push(line) }
  const packages = Object.entries({ bson, hyperid }).flatMap(([name, text]) => [
    [`node_modules/${name}/index.js`, text],
    [`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' })],
  ])
  const app = writeApp({ 'src/jobs/ids.ts': usesPackages, ...(Object.fromEntries(packages) as Record<string, string>) })
  const launcher = forkLauncher(app, { ...noFallback, log })
  await launcher.start()
  const all = (await Promise.all([1, 2, 3].map(() => resultOf(launcher, 'Ids')))) as string[][]
  await launcher.stop()
  assert.deepEqual(
    [0, 1, 2].map((at) => new Set(all.map((ids) => ids[at])).size),
    [3, 3, 1],
  )
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /^hyperid was used or loaded with the application/)
})

describe(`fork: ${SIBLINGS} siblings`, () => {
  const launcher = forkLauncher(writeApp({ 'src/jobs/draws.ts': job, 'config/preload.ts': preload }), noFallback)
  const drawn: Record<string, unknown>[] = []

  before(async () => {
    await launcher.start()
    for (let index = 0; index < SIBLINGS; index += 10) {
      const some = await Promise.all(Array.from({ length: 10 }, () => resultOf(launcher, 'Draws')))
      drawn.push(...(some as Record<string, unknown>[]))
    }
  })
  after(() => launcher.stop())

  for (const what of [
    'Math.random',
    'crypto.randomUUID',
    'randomUUID by name',
    'web crypto randomUUID',
    'randomInt',
    'randomBytes',
    'getRandomValues',
    'a pool filled by randomFillSync',
    'a pool filled by getRandomValues',
    'process.pid',
  ])
    it(`no two have the same ${what}`, () => {
      assert.equal(new Set(drawn.map((one) => one[what])).size, SIBLINGS)
    })

  it('know their own pid and age, and share the secret that was made before', () => {
    for (const { kernelPid, uptime, ...own } of drawn) {
      assert.equal(own['process.pid'], kernelPid)
      assert.ok((uptime as number) < 5, `uptime ${uptime as number} s`)
    }
    assert.equal(new Set(drawn.map((one) => one['secret'])).size, 1)
  })

  it('draw evenly', () => {
    const mean = drawn.reduce((sum, one) => sum + (one['Math.random'] as number), 0) / SIBLINGS
    assert.ok(mean > 0.4 && mean < 0.6, `mean ${mean}`)
  })
})
