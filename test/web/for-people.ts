// The dashboard for people: by keyboard alone, without JavaScript, over plain http on an address of the network, and what
// live updates leave in place: `npm run test:dashboard`.
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { after, before, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { Store } from '../../runtime/store/store.ts'
import { hashPassword, type DashboardOptions } from '../../web/index.ts'
import { launchBrowser } from '../support/browser.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { addMany, populate } from './populated.ts'
import { testDashboard } from './world.ts'

let server: TestRedis
let store: Store
let browser: Browser
let address: string
const servers: Server[] = []

before(async () => {
  server = await startRedis()
  store = testStore(server)
  await populate(server, store)
  browser = await launchBrowser()
  address = await serve()
})
after(async () => {
  await browser?.close()
  for (const each of servers) {
    each.closeAllConnections()
    each.close()
  }
  store?.close()
  await server?.stop()
})

/** A dashboard of its own on this address of the machine. */
async function serve(options: DashboardOptions = {}, host = '127.0.0.1'): Promise<string> {
  const board = testDashboard(store, options)
  const own = createServer((request, response) => void board.node(request, response))
  await new Promise<void>((resolve) => own.listen(0, host, resolve))
  servers.push(own)
  return `http://${host}:${(own.address() as AddressInfo).port}`
}

const wide = { width: 1280, height: 900 }

async function inTab(options: BrowserContextOptions, use: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({ viewport: wide, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  try {
    await use(page)
  } finally {
    await context.close()
  }
  assert.deepEqual(complaints, [])
}

/** What has the focus: its name, and whether a line is drawn around it. Undefined at the end of the page. */
const focused = (page: Page): Promise<{ name: string; isOutlined: boolean } | undefined> =>
  page.evaluate(`(() => {
    const element = document.activeElement
    if (!element || element === document.body) return undefined
    const { outlineStyle, outlineWidth } = getComputedStyle(element)
    return {
      name: element.tagName + ' ' + element.textContent.trim().slice(0, 40),
      isOutlined: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1,
    }
  })()`)

/** How many things a reader can use on a page. */
const usableOn = (page: Page): Promise<number> =>
  page.evaluate(`[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
    .filter((each) => each.checkVisibility()).length`)

/** Tab is pressed until something of this name has the focus. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let pressed = 0; pressed < 400; pressed += 1) {
    await page.keyboard.press('Tab')
    if (name.test((await focused(page))?.name ?? '')) return
  }
  assert.fail(`expected that Tab comes to ${name}`)
}

for (const colorScheme of ['light', 'dark'] as const)
  it(`Tab comes to everything that can be used, and a line shows where it is (${colorScheme})`, () =>
    inTab({ colorScheme }, async (page) => {
      for (const path of ['', 'failed', 'delayed', 'queues', 'queue?name=mail', 'schedule', 'workflows', 'archive']) {
        await page.goto(`${address}/${path}`)
        const usable = await usableOn(page)
        const without: string[] = []
        let reached = 0
        for (; reached < usable + 50; reached += 1) {
          await page.keyboard.press('Tab')
          const at = await focused(page)
          if (at === undefined) break
          if (!at.isOutlined) without.push(at.name)
        }
        assert.deepEqual(without, [], path)
        assert.ok(reached >= usable, `${path}: Tab came to ${reached} of ${usable}`)
      }
    }))

it('a queue is paused and resumed with Tab and Enter alone', () =>
  inTab({}, async (page) => {
    await page.goto(`${address}/queue?name=mail`)
    await tabTo(page, /^BUTTON Pause/)
    await page.keyboard.press('Enter')
    await page.getByText('Paused queue mail').waitFor()
    assert.ok((await store.queues.paused()).includes('mail'))
    await tabTo(page, /^BUTTON Resume/)
    await page.keyboard.press('Enter')
    await page.getByText('Resumed queue mail').waitFor()
    assert.ok(!(await store.queues.paused()).includes('mail'))
  }))

it('a filter, a page of a list and a change work without JavaScript', async () => {
  await addMany(server, store, 300)
  await inTab({ javaScriptEnabled: false }, async (page) => {
    await page.goto(`${address}/failed`)
    await page.getByLabel('Class', { exact: true }).fill('ThumbnailJob')
    await page.getByRole('button', { name: 'Filter' }).click()
    assert.match(page.url(), /class=ThumbnailJob/)
    const classes = await page.locator('tbody tr td:nth-child(3)').allTextContents()
    assert.deepEqual([...new Set(classes.map((each) => each.trim()))], ['ThumbnailJob'])
    await page.goto(`${address}/failed`)
    const first = await page.locator('tbody a[href^=failure]').first().getAttribute('href')
    await page.getByRole('link', { name: 'Older' }).click()
    assert.notEqual(await page.locator('tbody a[href^=failure]').first().getAttribute('href'), first)
    const before = await store.failures.count()
    await page.locator('tbody a[href^=failure]').first().click()
    await page.getByRole('button', { name: 'Retry', exact: true }).click()
    await page.getByRole('status').waitFor()
    assert.equal(await store.failures.count(), before - 1)
    await page.goto(`${address}/charts`)
    assert.ok((await page.locator('table tbody tr').count()) > 0, 'each chart has a table')
  })
})

it('an update keeps the place on the page and what is open; the icon follows the verdict', () =>
  inTab({ viewport: { width: 1280, height: 400 } }, async (page) => {
    await page.goto(`${address}/schedule`)
    await page.locator('#live details:not(.careful) > summary').first().click()
    await page.evaluate('scrollTo(0, 120)')
    const rendered = await page.locator('#live').getAttribute('data-rendered')
    await page.locator(`#live:not([data-rendered="${rendered}"])`).waitFor()
    assert.equal(await page.evaluate('scrollY'), 120)
    assert.equal(await page.locator('#live details:not(.careful)').first().getAttribute('open'), '')
    await page.goto(address)
    assert.equal(await page.locator('[data-verdict]').getAttribute('data-verdict'), 'bad')
    const icon = page.locator('link[rel=icon]')
    assert.equal(await icon.getAttribute('href'), await icon.getAttribute('data-alarm'))
  }))

it('a page that gets no answers any more says that it is out of date, and recovers', () =>
  inTab({}, async (page) => {
    await page.clock.install()
    await page.goto(address)
    await page.route('**/*', (route) => route.abort())
    for (let second = 0; second < 40; second += 5) await page.clock.runFor(5000)
    await page.getByText('This page is out of date').waitFor()
    await page.unroute('**/*')
    await page.clock.runFor(5000)
    await page.getByText('This page is out of date').waitFor({ state: 'hidden' })
  }))

const own = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

it('copies and signs in over plain http on an address of the network', { skip: own === undefined }, async () => {
  const users = [`ada:operator:${await hashPassword('battery staple')}`]
  const at = await serve({ users, secret: 'x'.repeat(40) }, own)
  await inTab({}, async (page) => {
    await page.goto(`${at}/failed`)
    assert.equal(await page.evaluate('isSecureContext'), false)
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill('battery staple')
    await page.keyboard.press('Enter')
    await page.locator('tbody a[href^=failure]').first().click()
    const block = page.locator('*:has(> [data-copy])').first()
    const text = await block.locator('pre, code').first().textContent()
    await block.getByRole('button', { name: 'Copy' }).click()
    await block.getByRole('button', { name: 'Copied' }).waitFor()
    await page.goto(`${at}/failed`)
    await page.getByLabel('Text').focus()
    await page.keyboard.press('Control+V')
    // A field of one line: the browser makes spaces of line ends.
    assert.equal(await page.getByLabel('Text').inputValue(), text?.replaceAll('\n', ' '))
  })
})
