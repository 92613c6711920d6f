import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as v from 'valibot'
import { z } from 'zod'
import { Job, type Infer } from '../../runtime/index.ts'
import { check, inputProblems } from '../../runtime/jobs/typed.ts'
import { inline } from '../../runtime/testing/index.ts'

class ZodJob extends Job {
  static input = z.object({ id: z.string(), tags: z.array(z.string()).default([]), at: z.coerce.date().optional() })
  static output = z.object({ text: z.string() })
  perform(input: Infer<typeof ZodJob.input>): Infer<typeof ZodJob.output> {
    return {
      text:
        input.id === 'bad' ? (5 as unknown as string) : `${input.id} ${input.tags.length} ${input.at instanceof Date}`,
    }
  }
}

class ValibotJob extends Job {
  static input = v.object({ id: v.string(), rows: v.array(v.object({ n: v.number() })) })
  perform(input: Infer<typeof ValibotJob.input>): number {
    return input.rows.length
  }
}

describe('typed jobs', () => {
  it('say every path that does not fit', async () => {
    assert.match((await inputProblems(ZodJob, { id: 5, tags: ['a', 1] })) ?? '', /^id: .*; tags\[1\]: /)
    assert.match(
      (await inputProblems(ValibotJob, { id: 'x', rows: [{ n: 1 }, { n: 'two' }] })) ?? '',
      /^rows\[1\]\.n: /,
    )
    assert.match((await inputProblems(ZodJob, undefined)) ?? '', /^input: /)
    assert.equal(await inputProblems(ZodJob, { id: 'a' }), undefined)
  })

  it('perform on what the schema made of their input: defaults and coercions', async () => {
    assert.deepEqual(await inline(ZodJob, { id: 'a', tags: [], at: '2026-01-01' }), { text: 'a 0 true' })
    assert.deepEqual(await inline(ZodJob, { id: 'a' }), { text: 'a 0 false' })
    assert.equal(await inline(ValibotJob, { id: 'a', rows: [{ n: 1 }] }), 1)
  })

  it('fail before perform on wrong input, and after it on wrong output', async () => {
    await assert.rejects(inline(ZodJob, { id: 1 } as never), {
      name: 'SchemaError',
      message: /^input does not fit its schema: id: /,
    })
    await assert.rejects(inline(ZodJob, { id: 'bad', tags: [] }), {
      name: 'SchemaError',
      message: /^output does not fit its schema: text: /,
    })
  })

  it('a schema that throws is a problem like any other', async () => {
    const broken = z.string().refine(() => {
      throw new Error('oops')
    })
    const checked = await check(broken, 'x')
    assert.deepEqual(checked, { ok: false, problems: 'the schema itself threw Error: oops' })
  })
})
