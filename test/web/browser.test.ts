// The dashboard in a real browser: every page in both themes and at 360 px, and changes made by clicks. With
// DASHBOARD_ENTRIES=0, 3 or 100000 the lists are empty, short or long instead, and the dark theme is looked at as closely
// as the light one (`npm run test:dashboard`). With that, or with SCREENSHOTS=1, screenshots are made in .runtime/screenshots.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { AxeResults } from 'axe-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Store } from '../../runtime/store/store.ts'
import { launchBrowser } from '../support/browser.ts'
import { ROOT } from '../support/process.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'
import { launchWorker, push, untilState, useEvidence } from '../worker/support.ts'
import { hashPassword } from '../../web/index.ts'
import { addMany, populate, type Populated } from './populated.ts'
import { testDashboard } from './world.ts'

const entries = process.env['DASHBOARD_ENTRIES']
const screenshots = join(ROOT, '.runtime/screenshots', entries === undefined ? '' : `${entries}-entries`)
const hasScreenshots = entries !== undefined || process.env['SCREENSHOTS'] === '1'
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const wide = { width: 1280, height: 900 }
const narrow = { width: 360, height: 740 }

let server: TestRedis
let store: Store
let web: Server
let browser: Browser
let address: string
let made: Partial<Populated> = {}

before(async () => {
  mkdirSync(screenshots, { recursive: true })
  server = await startRedis()
  store = testStore(server)
  if (entries === undefined) made = await populate(server, store)
  else await addMany(server, store, Number(entries))
  const board = testDashboard(store, { environment: 'staging' })
  web = createServer((request, response) => void board.node(request, response)).listen(0, '127.0.0.1')
  browser = await launchBrowser()
  address = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
})
after(async () => {
  await browser?.close()
  web?.closeAllConnections()
  web?.close()
  store?.close()
  await server?.stop()
})

/** A page that notes what the browser complains of: errors of scripts, of the console, of the policy, and missing files. */
async function openPage(context: BrowserContext): Promise<{ page: Page; complaints: string[] }> {
  const complaints: string[] = []
  const page = await context.newPage()
  page.on('console', (line) => ['error', 'warning'].includes(line.type()) && complaints.push(line.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('response', (answer) => answer.status() >= 400 && complaints.push(`${answer.status()} ${answer.url()}`))
  return { page, complaints }
}

async function takeScreenshot(page: Page, name: string): Promise<void> {
  if (hasScreenshots) await page.screenshot({ path: join(screenshots, `${name}.png`) })
}

/** What axe-core finds, in a line each. @param rules all of them, or only these */
async function findings(page: Page, rules?: string[]): Promise<string[]> {
  const options = { resultTypes: ['violations'], ...(rules && { runOnly: rules }) }
  const found = await page.evaluate(
    async (given) => (globalThis as unknown as { axe: { run(about: object): Promise<AxeResults> } }).axe.run(given),
    options,
  )
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
}

/** The same page at 360 px: nothing but tables may be wider than the window. The layout is that of both themes. */
async function narrowFindings(page: Page, name: string): Promise<string[]> {
  await page.setViewportSize(narrow)
  await page.locator('.side').evaluate((menu) => menu.removeAttribute('open'))
  await takeScreenshot(page, name)
  const width = await page.locator('html').evaluate(({ scrollWidth }) => scrollWidth)
  await page.setViewportSize(wide)
  return width > narrow.width ? [`${width} px wide in a window of ${narrow.width} px`] : []
}

async function pages(): Promise<Record<string, string>> {
  const [entry] = await store.failures.list()
  const { runId, jobId } = made
  const lists = {
    ...{ overview: '', failed: 'failed', groups: 'failed?by=group', bulk: 'bulk?do=retry&class=ImportJob' },
    ...{ running: 'running', queues: 'queues', delayed: 'delayed', workers: 'workers', schedule: 'schedule' },
    ...{ workflows: 'workflows', pipelines: 'pipelines', archive: 'archive', limits: 'limits', redis: 'redis' },
    ...{ audit: 'audit', charts: 'charts', changes: 'bulk', find: 'find?id=mail' },
  }
  if (entry === undefined) return lists
  const failed = `at=0&digest=${entry?.digest}`
  const some = {
    ...lists,
    ...{ failure: `failure?${failed}`, edit: `edit?${failed}`, queue: 'queue?name=mail' },
    ...{ 'bulk-queue': 'bulk?of=queue&do=remove&name=mail&class=MailJob' },
  }
  if (runId === undefined) return some
  return {
    ...some,
    ...{ run: `run?id=${runId}`, step: `step?run=${runId}&step=1`, job: `job?id=${jobId}` },
    ...{ pipeline: 'pipeline?name=nightly', runs: 'bulk?of=runs&do=continue&status=failed' },
  }
}

const themes = ['light', 'dark'] as const
type Wrong = Record<(typeof themes)[number], string[]>

/** Looks at pages, at each in one theme after the other. */
async function lookAt(all: [name: string, path: string][]): Promise<Wrong> {
  const wrong: Wrong = { light: [], dark: [] }
  const context = await browser.newContext({ viewport: wide, reducedMotion: 'reduce' })
  const { page, complaints } = await openPage(context)
  for (const [name, path] of all) {
    await page.emulateMedia({ colorScheme: 'light' })
    await page.goto(`${address}/${path}`)
    await page.evaluate(axe)
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme })
      await takeScreenshot(page, `${name}-wide-${theme}`)
      const isClose = theme === 'light' || entries !== undefined
      const found = await findings(page, isClose ? undefined : ['color-contrast'])
      if (isClose) found.push(...(await narrowFindings(page, `${name}-narrow-${theme}`)))
      wrong[theme].push(...[...found, ...complaints.splice(0)].map((each) => `${name}: ${each}`))
    }
  }
  await context.close()
  return wrong
}

describe('every page', () => {
  let looks: Promise<Wrong[]>
  before(async () => {
    const all = Object.entries(await pages())
    looks = Promise.all([0, 1].map((half) => lookAt(all.filter((_, i) => i % 2 === half))))
    looks.catch(() => undefined)
  })
  for (const theme of themes)
    it(`is readable, accessible and without complaints (${theme})`, async () => {
      assert.deepEqual(
        (await looks).flatMap((wrong) => wrong[theme]),
        [],
      )
    })
})

describe('by clicks', { skip: entries !== undefined }, () => {
  const evidence = useEvidence()

  it('a user signs in, without scripts, and a viewer sees no button', async () => {
    const users = [`bob:viewer:${await hashPassword('battery staple')}`]
    const board = testDashboard(store, { users, secret: 'x'.repeat(40), basePath: '/admin/jobs' })
    const own = createServer((request, response) => void board.node(request, response))
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve))
    const at = `http://127.0.0.1:${(own.address() as AddressInfo).port}/admin/jobs`
    const context = await browser.newContext({ viewport: wide, javaScriptEnabled: false })
    const { page, complaints } = await openPage(context)
    try {
      await page.goto(`${at}/queues`)
      await takeScreenshot(page, 'login-wide-light')
      await page.getByLabel('Name').fill('bob')
      await page.getByLabel('Password').fill('battery staple')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Queues', exact: true }).waitFor()
      assert.equal(page.url(), `${at}/queues`)
      assert.equal(await page.getByRole('button', { name: /Pause|Resume/ }).count(), 0)
      await page.getByRole('button', { name: /Theme/ }).click()
      assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark')
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('heading', { name: 'Sign in' }).waitFor()
      assert.deepEqual(complaints, [])
    } finally {
      await context.close()
      own.closeAllConnections()
      own.close()
    }
  })

  it('all that match are removed after a look at how many, by keyboard', async () => {
    const context = await browser.newContext({ viewport: wide })
    const { page, complaints } = await openPage(context)
    await page.goto(`${address}/failed?class=ThumbnailJob`)
    await page.getByRole('link', { name: 'Remove all matching' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Remove 5' }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('5 removed').waitFor()
    assert.deepEqual(complaints, [])
    await context.close()
  })

  it('a failed job is retried and leaves the list', async () => {
    const context = await browser.newContext({ viewport: wide })
    const { page, complaints } = await openPage(context)
    const before = await store.failures.count()
    await page.goto(`${address}/failed`)
    await page.locator('tbody a[href^=failure]').first().click()
    await page.getByRole('button', { name: 'Retry', exact: true }).click()
    await page.getByRole('status').waitFor()
    assert.equal(await store.failures.count(), before - 1)
    await page
      .getByText(`${before - 1} failed jobs`)
      .first()
      .waitFor()
    assert.deepEqual(complaints, [])
    await context.close()
  })

  it('a running job shows its stack and is cancelled, and its page follows by itself', async () => {
    const worker = launchWorker(server, evidence, { cwd: join(ROOT, 'test/fixtures/apps/hang') })
    const context = await browser.newContext({ viewport: wide })
    const { page, complaints } = await openPage(context)
    try {
      const id = await push(store, 'Endless', [])
      await untilState(store, id, 'running')
      await page.goto(`${address}/running`)
      await takeScreenshot(page, 'running-job-wide-light')
      await page.locator(`a[href="stack?id=${id}"]`).click()
      await page
        .getByText(/Order\.total/)
        .first()
        .waitFor()
      await takeScreenshot(page, 'stack-wide-light')
      await page.goto(`${address}/job?id=${id}`)
      await page.getByRole('button', { name: 'Cancel' }).click()
      await untilState(store, id, 'cancelled')
      await page.locator('.badge', { hasText: 'cancelled' }).first().waitFor()
      await eventually(async () => (await page.getByRole('button', { name: 'Cancel' }).count()) === 0)
      assert.deepEqual(complaints, [])
    } finally {
      await context.close()
      await worker.stop()
    }
  })
})
