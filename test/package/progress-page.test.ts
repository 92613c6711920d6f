// The page of examples/progress-page in a real browser, as `npm start` runs it. Screenshots are under .runtime/screenshots.
import assert from 'node:assert/strict'
import { cp, mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { makeApp, removeApps } from '../support/app.ts'
import { launchBrowser } from '../support/browser.ts'
import { leavesNoProcess, ROOT, startCli, startProcess, type Running } from '../support/process.ts'

const example = join(ROOT, 'examples/progress-page')
const screenshots = join(ROOT, '.runtime/screenshots')

let cwd: string
before(async () => {
  cwd = await makeApp()
  await cp(example, cwd, { recursive: true })
  for (const name of ['hono', '@hono/node-server', 'tsx']) {
    const path = join(cwd, 'node_modules', name)
    await mkdir(dirname(path), { recursive: true })
    await symlink(join(ROOT, 'node_modules', name), path)
  }
})
after(removeApps)

describe('examples/progress-page', () => {
  leavesNoProcess({ withinMs: 20_000 })

  it('passes its own tests', async () => {
    const args = ['--import', 'tsx', '--test', 'test/report.test.ts']
    const { exitCode, stdout } = await startProcess(process.execPath, args, { cwd, timeoutMs: 60_000 }).exited
    assert.equal(exitCode, 0, stdout)
  })

  it('shows progress, a result, a failure and a cancelled job', async () => {
    let dev: Running | undefined
    let browser: Browser | undefined
    try {
      const args = ['dev', '--', 'node', '--import', 'tsx', 'src/server.ts']
      dev = startCli(args, { cwd, env: { PORT: '0' }, timeoutMs: 120_000 })
      browser = await launchBrowser()
      const [, address = ''] = await dev.waitForLine(/^app {7}\| open (\S+)/, { timeoutMs: 60_000 })
      await dev.waitForLine(/^work {6}\| .*working on/, { timeoutMs: 60_000 })
      const page = await browser.newPage({ viewport: { width: 640, height: 400 } })
      await page.goto(address)
      await mkdir(screenshots, { recursive: true })

      await start(page, 80)
      await page.getByText(/^running: row \d+ of 80$/).waitFor()
      await page.screenshot({ path: join(screenshots, 'progress-running.png') })
      await page.getByText('80 rows, revenue 4860').waitFor()
      await page.screenshot({ path: join(screenshots, 'progress-done.png') })

      assert.deepEqual(await statesOf(address, 20), ['running', 'done'])

      await page.getByLabel('fail halfway').check()
      await start(page, 10)
      await page.getByText('row 5: the price is not a number').waitFor()
      await page.screenshot({ path: join(screenshots, 'progress-failed.png') })

      await page.getByLabel('fail halfway').uncheck()
      await start(page, 10_000)
      await page.getByText(/^running: row/).waitFor()
      await page.getByRole('button', { name: 'Cancel' }).click()
      await page.getByText(/^cancelled/).waitFor()
    } finally {
      await browser?.close()
      await dev?.stop('SIGINT')
    }
  })
})

async function start(page: Page, rows: number): Promise<void> {
  await page.getByLabel('Rows').fill(String(rows))
  await page.getByRole('button', { name: 'Start' }).click()
}

/** The states that a report's server-sent events show one after another, up to the end of the stream. */
async function statesOf(address: string, rows: number): Promise<string[]> {
  const started = await fetch(new URL('/reports', address), { method: 'POST', body: JSON.stringify({ rows }) })
  const { id } = (await started.json()) as { id: string }
  const stream = await fetch(new URL(`/reports/${id}/events`, address))
  assert.match(stream.headers.get('content-type') ?? '', /^text\/event-stream/)
  const states = [...(await stream.text()).matchAll(/^data: (.*)$/gm)].map(
    ([, data = '']) => (JSON.parse(data) as { state: string }).state,
  )
  return states.filter((state, i) => state !== 'waiting' && state !== states[i - 1])
}
