/** The program `runtime`. */
import { flushTelemetry } from '../runtime/jobs/telemetry.ts'
import { main } from './main.ts'
import { exitWithParent } from './exit-with-parent.ts'

// A reader may leave before the end (`| head`); a worker goes on without one.
process.stdout.on('error', () => undefined)
process.stderr.on('error', () => undefined)

exitWithParent()
process.exitCode = await main(process.argv.slice(2))
await flushTelemetry()
