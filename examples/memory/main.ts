// Typed steps that find their input in the run's memory. Needs a worker, as ../composition does.
import { chain, close, findRun, memory, task, workflow } from 'resque-runtime'
import { CountWords, FetchDoc } from './jobs/documents.ts'

const run = await findRun(await workflow(chain(task(FetchDoc, { doc_id: '42' }), task(CountWords))).run())
await run.wait({ timeout: '1 minute' })
console.log(run.status, JSON.stringify(await memory.read(run.id, ['text', 'words', 'counted'])))

// The input of a step must come from somewhere: this is refused before anything runs, and would not compile either.
try {
  // @ts-expect-error -- FetchDoc's doc_id can come from nowhere
  await workflow(chain(task(FetchDoc), task(CountWords))).run()
} catch (error) {
  console.log((error as Error).message)
}
close()
