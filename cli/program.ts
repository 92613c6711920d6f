/** The program `runtime`. */
import { flushTelemetry } from '../runtime/jobs/telemetry.ts'
import { main } from './main.ts'
import { exitWithParent } from './exit-with-parent.ts'

/** How long what the application has open may take to close itself. */
const STILL_OPEN_MS = 1000

// A reader may leave before the end (`| head`); a worker goes on without one.
process.stdout.on('error', () => undefined)
process.stderr.on('error', () => undefined)

/** Node's exit code for an ES module that waits for what never comes. */
const NEVER_SETTLED = 13

/** A function, since a file of CommonJS, which starts faster, cannot wait. */
async function run(): Promise<void> {
  const neverSettled = (): void => void (process.exitCode = NEVER_SETTLED)
  process.once('beforeExit', neverSettled)
  exitWithParent()
  process.exitCode = await main(process.argv.slice(2))
  process.off('beforeExit', neverSettled)
  await flushTelemetry()
  // The application's modules, which some commands load, may have opened a pool: it does not keep a command that has ended.
  setTimeout(() => process.exit(), STILL_OPEN_MS).unref()
}

void run()
