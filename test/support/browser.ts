import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'

/**
 * Starts the Chromium of this machine.
 * @throws Error with the cure where there is none
 */
export function launchBrowser(): Promise<Browser> {
  // Without these switches the browser looks for its maker's servers.
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking']
  return chromium.launch({
    executablePath: browserPath(),
    args: [...args, '--disable-component-update', '--disable-sync'],
  })
}

function browserPath(): string {
  const names = ['chromium', 'chromium-browser', 'google-chrome']
  const paths = (process.env['PATH'] ?? '').split(delimiter).flatMap((dir) => names.map((name) => join(dir, name)))
  const found = paths.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  if (found === undefined)
    throw new Error(`expected ${names.join(' or ')} on the PATH, found none; run script/bootstrap --test`)
  return found
}
