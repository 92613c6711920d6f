// Runs in a process of its own: it looks at all templates that are registered.
// What the compiler must refuse: each line below @ts-expect-error compiles only because of it, and `tsc` runs over tests.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chain, enqueue, group, Job, task, templates, withDelay, workflow, type Infer } from 'resque-runtime'
import * as v from 'valibot'
import { z } from 'zod'

class FetchDoc extends Job {
  static input = z.object({ doc_id: z.string(), llm_model: z.string().default('small') })
  static output = z.object({ text: z.string() })
  async perform(input: Infer<typeof FetchDoc.input>) {
    return { text: input.doc_id }
  }
}
class EnrichDoc extends Job {
  static input = v.object({ text: v.string() })
  static output = v.object({ words: v.number() })
  perform(input: Infer<typeof EnrichDoc.input>) {
    return { words: input.text.length }
  }
}
class IndexDoc extends Job {
  static input = z.object({ text: z.string(), words: z.string() })
  perform(_input: Infer<typeof IndexDoc.input>) {}
}
class Plain extends Job {
  perform(_params?: { x?: number }) {}
}

const compiles = (_make: () => unknown): void => undefined

test('a typed job takes what its schema takes, at enqueue and in task', () => {
  compiles(() => enqueue(FetchDoc, { doc_id: '1' }))
  // @ts-expect-error -- a number where text is wanted
  compiles(() => enqueue(FetchDoc, { doc_id: 1 }))
  // @ts-expect-error -- a required key is missing
  compiles(() => enqueue(FetchDoc, { llm_model: 'm' }))
  compiles(async () => (await (await enqueue(FetchDoc, { doc_id: '1' })).result())?.text.length)
  compiles(() => task(FetchDoc))
  compiles(() => task(FetchDoc, { doc_id: '1' }))
  // @ts-expect-error -- a number where text is wanted
  compiles(() => task(FetchDoc, { doc_id: 1 }))
  // @ts-expect-error -- not a key of the input
  compiles(() => task(FetchDoc, { doc: '1' }))
  compiles(() => task(Plain, { x: 1 }))
  // @ts-expect-error -- text where a number is wanted
  compiles(() => task(Plain, { x: 'one' }))
  // @ts-expect-error -- not a job
  compiles(() => task(Date))
})

test('an edge whose types do not fit is refused in chain', () => {
  compiles(() => chain(task(FetchDoc), task(EnrichDoc)))
  // @ts-expect-error -- EnrichDoc gives words as a number, IndexDoc takes text
  compiles(() => chain(task(FetchDoc), task(EnrichDoc), task(IndexDoc)))
  // @ts-expect-error -- also behind a group and a delay
  compiles(() => chain(task(FetchDoc), group(task(EnrichDoc)), withDelay(task(IndexDoc), 10)))
  compiles(() => chain(task(EnrichDoc), task(Plain), task(IndexDoc)))
  compiles(() => chain(...[1, 2].map(() => task(Plain))))
})

test('what a workflow needs must be supplied', () => {
  compiles(() => workflow(chain(task(FetchDoc, { doc_id: '1' }), task(EnrichDoc))))
  compiles(() => workflow(chain(task(Plain), task(EnrichDoc))))
  // @ts-expect-error -- doc_id can come from nowhere
  compiles(() => workflow(chain(task(FetchDoc), task(EnrichDoc))))
  compiles(() => workflow(chain(task(FetchDoc), task(EnrichDoc)), { input: { doc_id: '1' } }))
  compiles(() => workflow(chain(task(FetchDoc), task(EnrichDoc)), { globals: { doc_id: '1' } }))
  // @ts-expect-error -- of the wrong type
  compiles(() => workflow(chain(task(FetchDoc), task(EnrichDoc)), { input: { doc_id: 1 } }))
  compiles(() => workflow(group(task(Plain), task(FetchDoc, { doc_id: '1' })).with({ queue: 'low' })))
})

test('a template must take what its parts need', () => {
  const Both = z.object({ doc_id: z.string(), tenant: z.number() })
  compiles(() => templates.register('a', { input: Both }, () => chain(task(FetchDoc), task(EnrichDoc))))
  compiles(() => templates.register('b', { input: Both }, async (input) => task(FetchDoc, { doc_id: input.doc_id })))
  // @ts-expect-error -- text can come from nowhere
  compiles(() => templates.register('c', { input: Both }, () => task(EnrichDoc)))
  assert.deepEqual(templates.list(), [])
})
