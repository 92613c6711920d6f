// Starts a template by its name and shows what its run leaves. Needs a worker, as ../composition does. The same from
// the command line: `npx resque-runtime template run enrich_and_index --doc-id 123 --wait`.
import { close, findRun, memory, templates } from 'resque-runtime'
import './jobs/enrich-and-index.ts'

console.log(templates.list().map(({ name }) => name))
const run = await findRun(await templates.run('enrich_and_index', { doc_id: '123' }))
await run.wait({ timeout: '1 minute' })
console.log(run.status, JSON.stringify(await memory.read(run.id)))
close()
