// The layout of the heap that is forked: what a big application costs a fork, without a clock.
import assert from 'node:assert/strict'
import { release } from 'node:os'
import { after, before, describe, it } from 'node:test'
import type { ForkLauncher } from '../../../runtime/worker/launchers/fork/fork.ts'
import { leavesNoProcess } from '../../support/process.ts'
import { forkLauncher, launch, noFallback, result, writeApp } from './support.ts'

leavesNoProcess()

const BALLAST_MB = 60
const jobs = `
import { readFileSync } from 'node:fs'
import { Job } from 'resque-runtime'
const rows = Array.from({ length: ${BALLAST_MB} * 10_000 }, (_, id) => ({ id, name: 'row ' + id }))
const sum = () => rows.reduce((all, row) => all + row.id + row.name.length, 0)
export class Sums extends Job {
  async perform(change: boolean): Promise<number> {
    if (change) for (const row of rows) row.id += 1
    return sum()
  }
}
export class Layout extends Job {
  async perform(): Promise<unknown> {
    const field = (name: string) => Number(new RegExp('^' + name + ': +(\\\\d+) kB', 'm').exec(readFileSync('/proc/' + process.ppid + '/smaps_rollup', 'utf8'))?.[1])
    const heap = readFileSync('/proc/' + process.ppid + '/maps', 'utf8').split('\\n').filter((line) => / rw-p 00000000 00:00 0 *$/.test(line))
    return { hugeMb: field('AnonHugePages') / 1024, pieces: heap.length, anonymousMb: field('Anonymous') / 1024 }
  }
}`

const [major = 0, minor = 0] = release().split('.').map(Number)
const hasCollapse = major > 6 || (major === 6 && minor >= 1)

describe('fork: the heap', { skip: hasCollapse ? false : 'MADV_COLLAPSE came with Linux 6.1' }, () => {
  let launcher: ForkLauncher
  before(async () => {
    launcher = forkLauncher(writeApp({ 'src/jobs/all.ts': jobs }), noFallback)
    await launcher.start()
  })
  after(() => launcher.stop())

  it('lies together, in huge pages', async () => {
    const layout = result(await launch(launcher, 'Layout').ended) as Record<'hugeMb' | 'pieces' | 'anonymousMb', number>
    // None when they are scattered. Node 26 packs the same objects into less memory.
    assert.ok(layout.hugeMb >= layout.anonymousMb / 4, `${layout.hugeMb} of ${layout.anonymousMb} MB in huge pages`)
    // 256 KB each when they are scattered, besides some that every process has.
    assert.ok(layout.pieces < BALLAST_MB * 3, `${layout.pieces} pieces`)
  })

  it('is whole in every child, and each changes its own copy', async () => {
    const sums: number[] = []
    for (const change of [false, true, true, false])
      sums.push((await launch(launcher, 'Sums', [change]).ended.then(result)) as number)
    const [first = 0, changed] = sums
    assert.deepEqual(sums, [first, changed, changed, first])
    assert.equal(changed, first + BALLAST_MB * 10_000)
  })
})
