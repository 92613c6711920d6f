// What a job costs in child_process.fork without this runtime: loads the built application, runs the job, says so, and leaves.
import { pathToFileURL } from 'node:url'

// Of a built module: where a computed import() leads.
globalThis.__resqueRuntimeLocate = (importer, specifier) => new URL(specifier, importer).href
const classes = {}
for (const file of process.argv.slice(2)) Object.assign(classes, await import(pathToFileURL(file)))
await new classes.Empty().perform()
process.send('done', () => process.exit(0))
