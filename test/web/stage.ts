// A whole installation for the browser: Redis, `runtime work`, `runtime scheduler`, `runtime web`, and a signed-in user.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Store } from '../../runtime/store/store.ts'
import { launchBrowser } from '../support/browser.ts'
import { ROOT, startCli } from '../support/process.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'

/** The application: test/fixtures/apps/dashboard. */
export const cwd = join(ROOT, 'test/fixtures/apps/dashboard')
export const screenshots = join(ROOT, '.runtime/screenshots/actions')

/** What {@link openStage} has started. */
export interface Stage {
  server: TestRedis
  store: Store
  address: string
  /** A tab of its own, in which this user is signed in. */
  signIn(name: string): Promise<{ context: BrowserContext; page: Page }>
  /** Errors of scripts, of the console and of the policy, and failed requests, of all tabs. */
  complaints: string[]
  /** Changes that were sent, by the names in routes.ts. */
  sent: Set<string>
  close(): Promise<void>
}

export async function openStage(): Promise<Stage> {
  mkdirSync(screenshots, { recursive: true })
  const server = await startRedis()
  const store = testStore(server)
  const env = { REDIS_URL: server.url }
  const worker = startCli(['work', '--queues', 'q', '--concurrency', '2'], { cwd, env })
  const scheduler = startCli(['scheduler'], { cwd, env })
  const web = startCli(['web', '--port', '0'], { cwd, env })
  const [address] = await web.waitForLine(/http:\/\/127\.0\.0\.1:\d+/)
  await worker.waitForLine(/working on/)
  const browser: Browser = await launchBrowser()
  const [complaints, sent]: [string[], Set<string>] = [[], new Set()]
  return {
    ...{ server, store, address, complaints, sent },
    signIn: async (name) => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
      const page = await context.newPage()
      page.setDefaultTimeout(20_000)
      page.on('console', (line) => ['error', 'warning'].includes(line.type()) && complaints.push(line.text()))
      page.on('pageerror', (error) => complaints.push(error.message))
      page.on('response', (answer) => answer.status() >= 400 && complaints.push(`${answer.status()} ${answer.url()}`))
      page.on('request', (each) => each.method() === 'POST' && sent.add(new URL(each.url()).pathname.slice(1)))
      await page.goto(`${address}/login`)
      await page.getByLabel('Name').fill(name)
      await page.getByLabel('Password').fill('battery staple')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Overview' }).waitFor()
      return { context, page }
    },
    close: async () => {
      await browser.close()
      await Promise.all([web, worker, scheduler].map((each) => each.stop()))
      store.close()
      await server.stop()
    },
  }
}
