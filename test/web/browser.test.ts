// The dashboard in a real browser: every page in both themes and at 360 px, and changes made by clicks. Screenshots are
// under .runtime/screenshots.
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
import { populate } from './populated.ts'
import { testDashboard } from './world.ts'

const screenshots = join(ROOT, '.runtime/screenshots')
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const wide = { width: 1280, height: 900 }
const narrow = { width: 360, height: 740 }

let server: TestRedis
let store: Store
let web: Server
let browser: Browser
let address: string
let runId: string

before(async () => {
  mkdirSync(screenshots, { recursive: true })
  server = await startRedis()
  store = testStore(server)
  runId = await populate(server, store)
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

/** What axe-core finds, in a line each. @param rules all of them, or only these */
async function findings(page: Page, rules?: string[]): Promise<string[]> {
  await page.evaluate(axe)
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
  await page.screenshot({ path: join(screenshots, `${name}-narrow-light.png`) })
  const width = await page.locator('html').evaluate(({ scrollWidth }) => scrollWidth)
  await page.setViewportSize(wide)
  return width > narrow.width ? [`${width} px wide in a window of ${narrow.width} px`] : []
}

async function pages(): Promise<Record<string, string>> {
  const [entry] = await store.failures.list()
  const failed = `at=0&digest=${entry?.digest}`
  return {
    ...{
      overview: '',
      failed: 'failed',
      groups: 'failed?by=group',
      failure: `failure?${failed}`,
      edit: `edit?${failed}`,
    },
    ...{ bulk: 'bulk?do=retry&class=ImportJob', running: 'running', queues: 'queues', queue: 'queue?name=mail' },
    ...{ delayed: 'delayed', workers: 'workers', schedule: 'schedule', workflows: 'workflows', run: `run?id=${runId}` },
    ...{ step: `step?run=${runId}&step=1`, pipelines: 'pipelines', archive: 'archive', limits: 'limits' },
    ...{ redis: 'redis', audit: 'audit', charts: 'charts' },
  }
}

describe('every page', { concurrency: true }, () => {
  for (const colorScheme of ['light', 'dark'] as const)
    it(`is readable, accessible and without complaints (${colorScheme})`, async () => {
      const context = await browser.newContext({ colorScheme, viewport: wide, reducedMotion: 'reduce' })
      const { page, complaints } = await openPage(context)
      const wrong: string[] = []
      for (const [name, path] of Object.entries(await pages())) {
        await page.goto(`${address}/${path}`)
        await page.screenshot({ path: join(screenshots, `${name}-wide-${colorScheme}.png`) })
        const found = await findings(page, colorScheme === 'dark' ? ['color-contrast'] : undefined)
        if (colorScheme === 'light') found.push(...(await narrowFindings(page, name)))
        wrong.push(...[...found, ...complaints.splice(0)].map((each) => `${name}: ${each}`))
      }
      await context.close()
      assert.deepEqual(wrong, [])
    })
})

describe('by clicks', () => {
  const evidence = useEvidence()

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
      await page.screenshot({ path: join(screenshots, 'running-job-wide-light.png') })
      await page.getByRole('link', { name: 'Stack now' }).click()
      await page
        .getByText(/Order\.total/)
        .first()
        .waitFor()
      await page.screenshot({ path: join(screenshots, 'stack-wide-light.png') })
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
