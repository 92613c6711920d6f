// What is known of a schema's keys, by what its library tells: JSON Schema of any form, entries, or issues alone.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { keysWithIssues, schemaKeys, type SchemaKeys } from '../../runtime/jobs/schema-keys.ts'
import type { StandardSchema } from '../../runtime/jobs/typed.ts'

const nothing: SchemaKeys = { names: undefined, required: [], open: true, types: {}, defaults: {} }

type Issues = readonly { message: string; path?: unknown }[]

/** A schema that validates to these issues, and tells of itself what is given. */
function schemaOf(issues: Issues | Error, more: object = {}, jsonSchema?: object | Error): StandardSchema {
  const validate = (): object => {
    if (issues instanceof Error) throw issues
    return { issues }
  }
  const told = (): object => {
    if (jsonSchema instanceof Error) throw jsonSchema
    return jsonSchema ?? {}
  }
  const standard = {
    version: 1,
    vendor: 'test',
    validate,
    ...(jsonSchema && { jsonSchema: { input: told, output: told } }),
  }
  return { '~standard': standard, ...more } as unknown as StandardSchema
}

const ofJson = (schema: object | Error): Promise<SchemaKeys> => schemaKeys(schemaOf([], {}, schema), 'input')

describe('JSON Schema', () => {
  const a = {
    type: 'object',
    properties: { a: { type: 'string', default: 'x' } },
    required: ['a'],
    additionalProperties: false,
  }
  const b = {
    type: 'object',
    properties: { a: { type: ['string', 'null'] }, b: { type: 'number' } },
    required: ['a', 'b'],
  }

  it('names keys, types, defaults, and what else is accepted', async () => {
    assert.deepEqual(await ofJson(a), {
      names: ['a'],
      required: ['a'],
      open: false,
      types: { a: 'string' },
      defaults: { a: 'x' },
    })
    assert.deepEqual((await ofJson(b)).types, { b: 'number' })
    assert.equal((await ofJson({ ...a, additionalProperties: {} })).open, true)
    assert.deepEqual(await ofJson({ type: 'object' }), { ...nothing, names: [], open: false })
  })

  it('of several requires what all parts require, or what each requires', async () => {
    const all = await ofJson({ allOf: [a, b] })
    assert.deepEqual([all.names, all.required, all.types], [['a', 'b'], ['a', 'b'], { a: 'string', b: 'number' }])
    for (const kind of ['anyOf', 'oneOf']) {
      const any = await ofJson({ [kind]: [a, { ...b, additionalProperties: true }] })
      assert.deepEqual([any.names, any.required, any.open], [['a', 'b'], ['a'], true], kind)
    }
    for (const parts of [[a, { type: 'string' }], []]) assert.deepEqual(await ofJson({ anyOf: parts }), nothing)
  })

  it('is followed through its references; one that leads nowhere, or to itself, tells nothing', async () => {
    assert.deepEqual((await ofJson({ $ref: '#/$defs/one', $defs: { one: a } })).names, ['a'])
    for (const lost of [
      { $ref: '#/$defs/no', $defs: { one: a } },
      { $ref: '#/$defs/no' },
      { $ref: '#' },
      { type: 'array' },
    ])
      assert.deepEqual(await ofJson(lost), nothing)
  })

  it('that throws is as if there were none: issues tell what is required', async () => {
    const schema = schemaOf([{ message: 'needed', path: ['a'] }], {}, new Error('no JSON form'))
    assert.deepEqual(await schemaKeys(schema, 'input'), { ...nothing, required: ['a'] })
  })
})

describe('a schema without JSON Schema', () => {
  it('with entries has their names and types, through what wraps them', async () => {
    const entries = { a: { type: 'optional', wrapped: { type: 'number' } }, b: { type: 'date' }, c: null }
    const keys = await schemaKeys(schemaOf([], { entries, type: 'strict_object' }), 'input')
    assert.deepEqual(keys, { names: ['a', 'b', 'c'], required: [], open: false, types: { a: 'number' }, defaults: {} })
    for (const more of [{ type: 'loose_object' }, { rest: { type: 'string' } }])
      assert.equal((await schemaKeys(schemaOf([], { entries, ...more }), 'input')).open, true)
    assert.equal((await schemaKeys(schemaOf([], { entries, rest: null }), 'input')).open, false)
    assert.deepEqual(await schemaKeys(schemaOf([], { entries: null }), 'input'), nothing)
  })

  it('has the first issue of each top-level key; one that throws has none', async () => {
    const issues = [
      { message: 'whole' },
      { message: 'empty path', path: [] },
      { message: 'first', path: ['a', 0] },
      { message: 'second', path: ['a'] },
      { message: 'by object', path: [{ key: 'b' }] },
      { message: 'by number', path: [0] },
    ]
    assert.deepEqual([...(await keysWithIssues(schemaOf(issues), {}))], [['a', 'first'], ['b', 'by object'], ['0', 'by number']]) // prettier-ignore
    assert.deepEqual([...(await keysWithIssues(schemaOf(new Error('no')), {}))], [])
  })

  it('is asked once for each side', async () => {
    let asked = 0
    const schema = schemaOf([])
    const { validate } = schema['~standard']
    Object.assign(schema['~standard'], { validate: (value: unknown) => ((asked += 1), validate(value)) })
    await Promise.all([schemaKeys(schema, 'input'), schemaKeys(schema, 'input'), schemaKeys(schema, 'output')])
    assert.equal(asked, 2)
  })
})
