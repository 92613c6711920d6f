import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chain, group, Job, task, Workflow, workflow, type Part } from 'resque-runtime'
import type { CompositionOptions } from 'resque-runtime'
import { z } from 'zod'
import {
  EnrichDoc,
  FetchDoc,
  IndexDoc,
  Rememberer,
  Task1,
  TerseSchema,
} from '../fixtures/apps/composed/src/jobs/steps.ts'
import { useBench } from '../composition/support.ts'
import { useRedis } from '../support/redis.ts'

const redis = useRedis()
useBench(redis)

const create = async (part: Part, options: CompositionOptions = {}): Promise<string> =>
  (await workflow(part, { memory: true, ...options }).create()).status
const refused = async (part: Part, options: CompositionOptions | undefined, pattern: RegExp): Promise<void> => {
  await assert.rejects(create(part, options), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'ERR_SCHEMA')
    assert.match(error.message, pattern)
    return true
  })
  const keys = await redis.client().keys('*')
  assert.deepEqual(keys, [], 'nothing was written')
}

test('a required key that can come from nowhere is refused before anything is written, with its step', async () => {
  await refused(
    chain(task(FetchDoc), task(EnrichDoc)),
    {},
    /^Workflow: FetchDoc\.doc_id: required, but nothing provides it\. /,
  )
  await refused(chain(task(FetchDoc, { doc_id: '1' }), task(IndexDoc)), {}, /IndexDoc\.words: required/)
})

test('a key may come from params, globals, a step before, the memory it begins with, or a default', async () => {
  assert.equal(await create(chain(task(FetchDoc, { doc_id: '1' }), task(EnrichDoc), task(IndexDoc))), 'pending')
  assert.equal(await create(chain(task(FetchDoc), task(EnrichDoc)), { globals: { doc_id: '1' } }), 'pending')
  assert.equal(await create(chain(task(FetchDoc), task(EnrichDoc)), { input: { doc_id: '1' } }), 'pending')
})

test('only steps before count, not those beside or after', async () => {
  await refused(group(task(FetchDoc, { doc_id: '1' }), task(EnrichDoc)), {}, /EnrichDoc\.text/)
  await refused(chain(task(EnrichDoc), task(FetchDoc, { doc_id: '1' })), {}, /EnrichDoc\.text/)
  assert.equal(
    await create(chain(group(task(FetchDoc, { doc_id: '1' })), group(task(EnrichDoc), task(EnrichDoc)))),
    'pending',
  )
})

test('a step whose output nobody knows may give any key; one that says what it sets gives that', async () => {
  assert.equal(await create(chain(task(Task1), task(EnrichDoc))), 'pending')
  class Setter extends Job {
    static output = z.object({ a: z.number() })
    static provides = ['text']
    perform() {
      return { a: 1 }
    }
  }
  assert.equal(await create(chain(task(Setter), task(EnrichDoc))), 'pending')
  assert.equal(Rememberer.provides[0], 'counted')
})

test('two steps beside each other give the keys of both; a failure branch gets nothing of the step that failed', async () => {
  class Left extends Job {
    static output = z.object({ l: z.number() })
    perform() {
      return { l: 1 }
    }
  }
  class Right extends Job {
    static output = z.object({ r: z.number() })
    perform() {
      return { r: 1 }
    }
  }
  class Both extends Job {
    static input = z.object({ l: z.number(), r: z.number() })
    perform() {}
  }
  class Open extends Job {
    static output = z.looseObject({ l: z.number() })
    perform() {
      return { l: 1 }
    }
  }
  // As a job of unknown input: what it needs is checked when the run is created, not by its type.
  const AnyBoth = Both as unknown as typeof Task1
  const both = task(AnyBoth)
  assert.equal(await create(chain(group(task(Left), task(Right)), group(both, task(AnyBoth)))), 'pending')
  assert.equal(await create(chain(task(Open), both)), 'pending', 'an open schema may give any key')
  await redis.client().flushall()
  await refused(chain(group(task(Left), task(Left)), both), {}, /Both\.r: required/)
  class Repair extends Workflow {
    static override memory = true
    configure() {
      const left = this.run(Left)
      this.run(AnyBoth, { after: [{ failed: left }, this.run(Right)] })
    }
  }
  await assert.rejects(Repair.create(), { code: 'ERR_SCHEMA', message: /^Repair: Both\.l: required/ })
})

test('without memory only params and globals count', async () => {
  await refused(
    chain(task(FetchDoc, { doc_id: '1' }), task(EnrichDoc)),
    { memory: false },
    /EnrichDoc\.text: required.*this workflow has no memory/,
  )
  assert.equal(await create(task(FetchDoc, { doc_id: '1' }), { memory: false }), 'pending')
})

test('a value that does not fit is refused with its path, in the library’s own words', async () => {
  await refused(task(FetchDoc, { doc_id: 7 as any }), {}, /FetchDoc\.doc_id: .*expected string/)
  await refused(task(EnrichDoc, { text: 'x', factor: 'y' as any }), {}, /EnrichDoc\.factor: .*Expected number/)
  await refused(task(FetchDoc), { globals: { doc_id: 7 as any } }, /FetchDoc\.doc_id/)
})

test('a library that tells nothing is asked with what is given; its issues name what is missing', async () => {
  await refused(task(TerseSchema), {}, /TerseSchema\.a: required/)
  assert.equal(await create(task(TerseSchema, { a: 'x' })), 'pending')
  assert.equal(await create(task(TerseSchema), { input: { a: 'x' } }), 'pending')
})

test('the class is checked like the combinators, and many problems are told together', async () => {
  class Broken extends Workflow {
    static override memory = true
    configure() {
      this.run(FetchDoc)
      for (let i = 0; i < 20; i += 1) this.run(EnrichDoc, { after: FetchDoc, params: { factor: 'x' as never } })
    }
  }
  await assert.rejects(Broken.create(), /Broken: FetchDoc\.doc_id: required.*EnrichDoc#1\.factor: .*; and more\./)
})

test('a diamond of ten thousand steps is checked as one of three is', { timeout: 120_000 }, async () => {
  const wide = group(...Array.from({ length: 10_000 }, () => task(EnrichDoc)))
  await create(chain(task(FetchDoc, { doc_id: '1' }), wide, task(IndexDoc)))
})
