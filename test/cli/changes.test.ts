import { mkdir, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { type Change, watchApp } from '../../cli/dev/changes.ts'
import { loadConfig } from '../../config/load.ts'
import { makeApp, removesApps } from '../support/app.ts'
import { eventually } from '../support/wait.ts'

removesApps()
const ends: (() => void)[] = []
afterEach(() => ends.splice(0).forEach((end) => end()))

interface Watched {
  path: (name: string) => string
  /** Takes a step and waits until it is reported as a change of `kind`, of the code by default. */
  step: (what: string, take: () => Promise<unknown>, kind?: Change) => Promise<unknown>
}

async function watched(files: Record<string, string>): Promise<Watched> {
  const root = await makeApp(files)
  let seen: Change[] = []
  ends.push(watchApp(loadConfig({ cwd: root, env: {} }), (change) => seen.push(change)))
  return {
    path: (name) => join(root, name),
    step: async (what, take, kind = 'code') => {
      seen = []
      await take()
      await eventually(() => seen.includes(kind), { what: `a report of ${what}` })
    },
  }
}

async function renameOver(path: string): Promise<void> {
  await writeFile(`${path}.tmp`, 'renamed over')
  await rename(`${path}.tmp`, path)
}

/** How editors and programs save a file. */
const saves: Record<string, (path: string) => Promise<unknown>> = {
  'in place': (path) => writeFile(path, 'in place'),
  'rename over (sed -i, mv)': renameOver,
  'backup, write, remove (vim)': async (path) => {
    await rename(path, `${path}~`)
    await writeFile(path, 'vim')
    await unlink(`${path}~`)
  },
  'backup, rename over (JetBrains)': async (path) => {
    await writeFile(`${path}___jb_tmp___`, 'JetBrains')
    await rename(path, `${path}___jb_old___`)
    await rename(`${path}___jb_tmp___`, path)
    await unlink(`${path}___jb_old___`)
  },
  'remove, write (git checkout)': async (path) => {
    await unlink(path)
    await writeFile(path, 'checked out')
  },
}

describe('the files of an application that `runtime dev` watches', () => {
  it('are seen to change, in whatever ways they are saved one after another', async () => {
    const pairs = Object.entries(saves).flatMap((first) => Object.entries(saves).map((then) => [first, then] as const))
    await Promise.all(
      pairs.map(async ([[first, save], [then, saveAgain]]) => {
        const { path, step } = await watched({ 'src/jobs/deep/hello-job.ts': '1' })
        const file = path('src/jobs/deep/hello-job.ts')
        await step(first, () => save(file))
        for (const time of ['once', 'twice']) await step(`${then} (${time}) after ${first}`, () => saveAgain(file))
      }),
    )
  })

  it('may be in folders that come, go, come back, or are replaced', async () => {
    const { path, step } = await watched({ 'src/jobs/hello-job.ts': '1', 'schedule.yml': '' })
    const write = (name: string) => () => writeFile(path(name), `${Math.random()}`)
    await step('a new folder', () => mkdir(path('src/jobs/new/deep'), { recursive: true }))
    await step('a file of a new folder', write('src/jobs/new/deep/a.ts'))
    await step('a removed folder', () => rm(path('src/jobs/new'), { recursive: true }))
    await step('a folder that is back', () => mkdir(path('src/jobs/new')))
    await step('a file of a folder that is back', write('src/jobs/new/a.ts'))
    await step('a folder that is renamed', () => rename(path('src/jobs/new'), path('src/jobs/other')))
    await step('a file of a folder that is renamed', write('src/jobs/other/a.ts'))
    await step('the whole source replaced', async () => {
      await rename(path('src'), path('before'))
      await mkdir(path('src/jobs'), { recursive: true })
    })
    await step('a file of the new source', write('src/jobs/hello-job.ts'))
    await step('the whole source removed', () => rm(path('src'), { recursive: true }))
    await step('the source back', () => mkdir(path('src/jobs'), { recursive: true }))
    await step('a file of the source that is back', write('src/jobs/hello-job.ts'))
    await step('the first file of config/', async () => {
      await mkdir(path('config'))
      await write('config/hooks.ts')()
    })
    await step('the settings', write('config/runtime.yml'), 'settings')
    await step('the schedule', () => renameOver(path('schedule.yml')), 'schedule')
    await step('the schedule again', write('schedule.yml'), 'schedule')
  })
})
