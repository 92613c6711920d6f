// Every change that the dashboard offers, by clicks in a browser, with a real worker, scheduler and `runtime web`:
// `npm run test:dashboard`. Each step says what must be true in Redis afterwards. No page may complain on the way.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { routes } from '../../web/routes.ts'
import { runCli } from '../support/process.ts'
import type { TestRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { push, untilState } from '../worker/support.ts'
import type { Store } from '../../runtime/store/store.ts'
import { addMany } from './populated.ts'
import { cwd, openStage, screenshots, type Stage } from './stage.ts'

const dir = mkdtempSync(join(tmpdir(), 'test-dashboard-'))
const file = join(dir, 'needed')

let stage: Stage
let server: TestRedis
let store: Store
let context: BrowserContext
let page: Page
let address: string

before(async () => {
  stage = await openStage()
  ;({ server, store, address } = stage)
  ;({ context, page } = await stage.signIn('ada'))
})
after(async () => {
  await stage?.close()
  rmSync(dir, { recursive: true, force: true })
})

const go = (path: string): Promise<unknown> => page.goto(`${address}/${path}`)
const said = (text: RegExp): Promise<unknown> => page.getByRole('status').filter({ hasText: text }).waitFor()
const look = (name: string): Promise<unknown> =>
  page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true })
const row = (text: string | RegExp): ReturnType<Page['locator']> => page.locator('tbody tr', { hasText: text }).first()
/** Clicks a button, of a row or of the page, and waits for the sentence that says what it has done. */
async function press(name: string, says: RegExp, within: Pick<Page, 'getByRole'> = page): Promise<void> {
  await within.getByRole('button', { name, exact: true }).first().click()
  await said(says)
}
/** Opens a button that asks first. */
const open = (name: string): Promise<void> => page.locator('summary', { hasText: name }).first().click()
const fail = async (...args: unknown[]): Promise<void> => {
  await untilState(store, await push(store, 'Picky', args), 'failed')
}

it('queues: pause, resume, all workers, remove one job, clear', async () => {
  await untilState(store, await push(store, 'Fine', ['first']), 'done')
  await go('queues')
  await press('Pause', /Paused queue q/, row('q'))
  await Promise.all(['a', 'b', 'c'].map((each) => push(store, 'Fine', [each])))
  await go('queue?name=q')
  await press('Remove', /Removed a job/, row('"b"'))
  assert.equal((await store.queues.peek('q')).length, 2)
  await go('queues')
  await press('Resume', /Resumed queue q/, row('q'))
  await eventually(async () => (await store.queues.peek('q')).length === 0)
  await open('Pause all workers')
  await press('Pause all workers', /Paused all workers/)
  await press('Resume all workers', /Resumed all workers/)
  await push(store, 'Fine', ['never'], { queue: 'unserved' })
  await go('queue?name=unserved')
  await open('Clear')
  await press('Clear', /Cleared queue unserved: 1 jobs? w/)
})

it('failed: copy, retry, remove, edit and run again, some, a group, all that match with stop', async () => {
  await fail('first', { password: 'hunter2' })
  await go('failed')
  await page.locator('tbody a[href^=failure]').first().click()
  await page.getByText('•••').first().waitFor()
  await page.getByRole('button', { name: 'Copy' }).first().click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  await look('failure')
  await press('Retry', /Retried Picky/)
  await eventually(async () => (await store.failures.count()) === 1)
  await go('failed')
  await page.locator('tbody a[href^=failure]').first().click()
  await page.getByRole('link', { name: 'Edit' }).click()
  await page.locator('textarea').fill('["good"]')
  await page.getByRole('button', { name: /Run/ }).first().click()
  await said(/Picky/)
  assert.equal(await store.failures.count(), 0)
  await fail('second')
  await go('failed')
  await page.locator('tbody a[href^=failure]').first().click()
  await open('Remove')
  await press('Remove', /Removed the failed Picky/)
  for (const each of ['x', 'y', 'z']) await fail(each)
  await go('failed')
  await page.locator('input[type=checkbox][name=id]').first().check()
  await page.getByRole('button', { name: /Retry/ }).last().click()
  await said(/1/)
  await eventually(async () => (await store.failures.count()) === 3)
  await go('failed?by=group')
  await row('TypeError').getByRole('link', { name: 'Retry' }).click()
  await page.getByRole('button', { name: /Retry \d/ }).click()
  await page
    .getByText(/\d+ retried/)
    .first()
    .waitFor()
  await addMany(server, store, 60_000)
  await go('bulk?do=remove')
  await page.getByRole('button', { name: /Remove .*\d/ }).click()
  await page.getByRole('button', { name: 'Stop', exact: true }).click()
  await said(/Stopped the change/)
  await page.locator('.badge', { hasText: 'stopped' }).waitFor()
  await look('bulk-stopped')
  assert.ok((await store.failures.count()) > 40_000)
  await server.client().del('resque:failed', 'resque:queue:mail')
})

it('running: stack now, figures, cancel; limits: who holds, who waits, a lock whose job is gone is released; zygotes', async () => {
  const [id, next] = [await push(store, 'Endless', []), await push(store, 'Endless', [])]
  await untilState(store, id, 'running')
  await untilState(store, next, 'held')
  await go('limits')
  await row(next).waitFor()
  await look('limits')
  await go('running')
  await row(id).getByText(/MB/).waitFor()
  await look('running')
  await row(id).getByRole('link', { name: 'Stack now' }).click()
  await page.getByText(/timer/i).first().waitFor()
  await look('stack')
  await go('running')
  await press('Cancel', /Asked the worker/, row(id))
  await untilState(store, id, 'cancelled')
  await untilState(store, next, 'running')
  await go(`job?id=${next}`)
  await press('Cancel', /Asked the worker/)
  await untilState(store, next, 'cancelled')
  await go('workers')
  await page.getByRole('heading', { name: 'Zygotes' }).waitFor()
  await look('workers')
  await push(store, 'Fine', ['u'], { queue: 'nowhere', uniqueKey: 'one' })
  await server.client().del('resque:queue:nowhere')
  await go('limits')
  await open('Release')
  await press('Release', /Released the unique lock/)
})

it('delayed and schedule: run now, remove, pause, resume', async () => {
  for (const each of ['d1', 'd2'])
    await store.delayed.add(
      [
        {
          id: each,
          className: 'Fine',
          item: `{"class":"Fine","args":["${each}"]}`,
          queue: 'q',
          dueMs: Date.now() + 30_000,
        },
      ],
      Date.now(),
      86_400_000,
    )
  await go('delayed')
  await press('Run now', /queue/, row('d1'))
  await untilState(store, 'd1', 'done')
  await press('Remove', /Removed/, row('d2'))
  assert.equal((await store.jobs.find('d2'))?.state, 'cancelled')
  await go('schedule')
  await press('Pause', /nightly/, row('nightly'))
  await press('Resume', /nightly/, row('nightly'))
  await press('Run now', /nightly/, row('nightly'))
  await look('schedule')
  await go('archive?class=Fine&arg=0%3Dnightly')
  await eventually(async () => (await page.reload(), (await page.locator('tbody tr').count()) > 0), {
    timeoutMs: 20_000,
  })
  await look('archive')
})

it('workflows: a failed step is retried and skipped, the run continues and is stopped', async () => {
  const { stdout } = await runCli(['workflow', 'run', 'CheckFlow', JSON.stringify(file)], {
    cwd,
    env: { REDIS_URL: server.url },
  })
  const id = stdout.trim().split(/\s/)[0] ?? ''
  const untilRun = (status: string): Promise<unknown> =>
    eventually(async () => (await store.runs.read.find(id))?.status === status, { timeoutMs: 20_000, what: status })
  await untilRun('failed')
  await go(`run?id=${id}`)
  await page
    .getByText(/there is no/)
    .first()
    .waitFor()
  await look('run')
  await go(`step?run=${id}&step=1`)
  await page
    .getByText(/looking for/)
    .first()
    .waitFor()
  await look('step')
  writeFileSync(file, '')
  await press('Retry', /runs again/)
  await eventually(async () => (await store.runs.read.failed(id, 5)).some(({ index }) => index === 2), {
    timeoutMs: 20_000,
  })
  await go(`run?id=${id}`)
  await press('Continue', /Continued run/)
  await eventually(async () => (await store.runs.read.find(id))?.status === 'failed', { timeoutMs: 20_000 })
  await go(`run?id=${id}`)
  await press('Skip', /Skipped step 2/)
  await untilRun('finished')
  await store.queues.setPaused('q', true)
  const waiting = await runCli(['workflow', 'run', 'CheckFlow', '"none"'], { cwd, env: { REDIS_URL: server.url } })
  await go(`run?id=${waiting.stdout.trim().split(/\s/)[0]}`)
  await open('Stop')
  await press('Stop', /Stopped run/)
  await store.queues.setPaused('q', false)
})

it('pipelines run, themes switch, a viewer changes nothing, and every change was made', async () => {
  writeFileSync(join(dir, 'pipelines.yml'), 'etl: { queue: q, jobs: [{ name: one, class_name: First }] }\n')
  await runCli(['pipeline', 'load', join(dir, 'pipelines.yml')], { cwd, env: { REDIS_URL: server.url } })
  await go('pipeline?name=etl')
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await said(/etl/)
  await page.getByRole('button', { name: /Theme/ }).click()
  await page.locator('html[data-theme=dark]').waitFor()
  await go('audit')
  await page.getByText('Paused queue q.').first().waitFor()
  await look('audit-dark')
  const notSent = routes
    .filter(({ method, path }) => method === 'POST' && !stage.sent.has(path))
    .map(({ path }) => path)
  assert.deepEqual(notSent, [])
  assert.deepEqual(stage.complaints, [])
  await context.close()
  const bob = await stage.signIn('bob')
  for (const { path } of routes.filter((each) => 'page' in each && each.role === 'viewer')) {
    await bob.page.goto(`${address}/${path}`)
    const buttons = await bob.page.getByRole('main').getByRole('button').allInnerTexts()
    assert.deepEqual(
      buttons.filter((each) => !/Filter|Copy/.test(each)),
      [],
      path,
    )
  }
  await bob.context.close()
})
