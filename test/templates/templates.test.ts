import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, test } from 'node:test'
import { chain, findRun, memory, RuntimeError, task, templates, type Part } from 'resque-runtime'
import * as v from 'valibot'
import { z } from 'zod'
import { Registry } from '../../runtime/jobs/registry.ts'
import { EnrichDoc, FetchDoc, Gives, Task1 } from '../fixtures/apps/composed/src/jobs/steps.ts'
import { useBench } from '../composition/support.ts'
import { useRedis } from '../support/redis.ts'

const redis = useRedis()
const bench = useBench(redis)
afterEach(() => templates.clear())

const input = z.object({
  doc_id: z.string(),
  llm_model: z.string().default('small'),
  deep: z.object({ n: z.number() }).optional(),
})
const register = (defaults?: object | string | URL): void =>
  void templates.register('enrich', { input, ...(defaults ? { defaults } : {}) }, () =>
    chain(task(FetchDoc), task(EnrichDoc)),
  )
const refused = (work: () => unknown, code: string, pattern: RegExp): Promise<void> =>
  assert.rejects(
    async () => work(),
    (error: unknown) => {
      assert.ok(error instanceof RuntimeError && error.code === code, String(error))
      assert.match(error.message, pattern)
      return true
    },
  )

test('run: parameters are in memory before the first step may start, and steps find their input there', async () => {
  register()
  const flow = await templates.create('enrich', { doc_id: '5', llm_model: 'large' })
  assert.equal(flow.status, 'pending')
  assert.deepEqual(await memory.read(flow.id), { doc_id: '5', llm_model: 'large' })
  await bench.work()
  const run = await findRun(await templates.run('enrich', { doc_id: '6' }))
  await run.wait({ timeout: '20s' })
  assert.deepEqual([run.status, run.record.class], ['finished', 'enrich'])
  assert.deepEqual(await memory.read(run.id), {
    doc_id: '6',
    llm_model: 'small',
    text: 'TEXT OF 6',
    model: 'small',
    words: 6,
  })
})

test('the function gets the checked parameters, and may decide on them', async () => {
  templates.register('many', { input: z.object({ n: z.coerce.number() }) }, async ({ n }) =>
    chain(...Array.from({ length: n }, () => task(Task1))),
  )
  assert.equal((await templates.get('many').compose({ n: '3' })).compile().nodes.length, 3)
  templates.register('free', {}, (params) => task(Gives, { value: params }))
  assert.deepEqual((await templates.get('free').compose({ a: 1 })).compile().nodes[0]?.params, { value: { a: 1 } })
})

test('defaults: what is given, then templates.yml, then the template’s own file or object, then the schema', async () => {
  register({ doc_id: 'own', llm_model: 'own' })
  assert.deepEqual(await templates.get('enrich').input(), { doc_id: 'own', llm_model: 'own' })
  writeFileSync(join(bench.dir, 'package.json'), '{}')
  writeFileSync(join(bench.dir, 'templates.yml'), 'enrich:\n  llm_model: file\nother: ~\n')
  assert.deepEqual(await templates.get('enrich').input(), { doc_id: 'own', llm_model: 'file' })
  assert.deepEqual(await templates.get('enrich').input({ llm_model: 'given' }), { doc_id: 'own', llm_model: 'given' })
  templates.clear()
  writeFileSync(join(bench.dir, 'mine.yml'), 'enrich: { doc_id: mine }\n')
  register('mine.yml')
  assert.deepEqual(await templates.get('enrich').input(), { doc_id: 'mine', llm_model: 'file' })
  templates.clear()
  register(pathToFileURL(join(bench.dir, 'mine.yml')))
  assert.equal((await templates.get('enrich').input()).doc_id, 'mine')
})

test('a file of defaults that is none is refused with its name and line', async () => {
  register('none.yml')
  await refused(
    () => templates.run('enrich'),
    'ERR_TEMPLATE',
    /none\.yml: expected a file of defaults at .*cannot read it \(ENOENT\)/,
  )
  writeFileSync(join(bench.dir, 'none.yml'), 'enrich:\n  a: [\n')
  await refused(() => templates.run('enrich'), 'ERR_TEMPLATE', /^none\.yml:\d+: expected YAML/)
  writeFileSync(join(bench.dir, 'none.yml'), 'enrich: 5\n')
  await refused(
    () => templates.run('enrich'),
    'ERR_TEMPLATE',
    /none\.yml: expected enrich: a mapping of parameters, got 5/,
  )
  writeFileSync(join(bench.dir, 'none.yml'), '[]\n')
  await refused(() => templates.run('enrich'), 'ERR_TEMPLATE', /a mapping of template names, got \[\]/)
})

test('an unknown template, a missing parameter, and wrong ones are refused with what was expected; nothing is written', async () => {
  await refused(
    () => templates.run('enrich'),
    'ERR_TEMPLATE',
    /template "enrich": expected a registered template; there is none/,
  )
  register()
  await refused(() => templates.run('enrhic', { doc_id: '1' }), 'ERR_TEMPLATE', /expected one of enrich/)
  await refused(
    () => templates.run('enrich'),
    'ERR_SCHEMA',
    /template enrich: parameters do not fit: doc_id: .*expected string.*runtime template show enrich/,
  )
  await refused(() => templates.run('enrich', { doc_id: 1, deep: { n: 'x' } }), 'ERR_SCHEMA', /doc_id: .*; deep\.n: /)
  await refused(
    () => templates.run('enrich', 'x' as never),
    'ERR_ARGUMENT',
    /expected an object of parameters, got "x"/,
  )
  assert.deepEqual(await redis.client().keys('*'), [])
})

test('what cannot be a template is refused where it is registered', async () => {
  await refused(() => templates.register('a b', {}, () => task(Task1)), 'ERR_ARGUMENT', /expected a name like/)
  await refused(
    () => templates.register('ab', {}, 5 as never),
    'ERR_ARGUMENT',
    /expected a function that returns its parts/,
  )
  register()
  await refused(() => register(), 'ERR_NAME_CLASH', /template enrich: expected one template of this name/)
  templates.register('odd', {}, () => 'parts' as unknown as Part)
  await refused(
    () => templates.run('odd'),
    'ERR_TEMPLATE',
    /template odd: expected a task, chain, group or withDelay, got "parts"; its function returns the parts/,
  )
})

test('a step that a template leaves without its input is refused at create', async () => {
  templates.register('gap', { input: z.object({ llm_model: z.string() }) }, () => chain(task(FetchDoc) as Part))
  await refused(
    () => templates.run('gap', { llm_model: 'm' }),
    'ERR_SCHEMA',
    /gap: FetchDoc\.doc_id: required, but nothing provides it/,
  )
})

test('parameters are told as far as the library tells: types, defaults, what is required', async () => {
  register({ doc_id: 'own' })
  assert.deepEqual(await templates.get('enrich').parameters(), {
    complete: true,
    list: [
      { name: 'doc_id', type: 'string', required: false, default: 'own' },
      { name: 'llm_model', type: 'string', required: false, default: 'small' },
      { name: 'deep', type: 'object', required: false, default: undefined },
    ],
  })
  const two = templates.register('two', { input: v.object({ n: v.number(), s: v.optional(v.string(), 'x') }) }, () =>
    task(Task1),
  )
  assert.deepEqual(await two.parameters(), {
    complete: true,
    list: [
      { name: 'n', type: 'number', required: true, default: undefined },
      { name: 's', type: 'string', required: false, default: undefined },
    ],
  })
})

test('an exported template is registered under its own name', () => {
  const registry = new Registry()
  const template = templates.register('exported', {}, () => task(Task1))
  registry.addModule({ anything: template }, 'jobs/exported.ts')
  assert.deepEqual(registry.find('exported'), {
    name: 'exported',
    kind: 'template',
    definition: template,
    file: 'jobs/exported.ts',
  })
})

test('a default of a parameter that the template does not have is refused', async () => {
  register({ llm_modle: 'large' })
  await refused(
    () => templates.create('enrich', { doc_id: '5' }),
    'ERR_TEMPLATE',
    /got "llm_modle"; did you mean llm_model\?/,
  )
})

test('a schema without parameters takes no default; one that is open, or tells nothing, takes any', async () => {
  const withInput = (schema: unknown, defaults: object) => {
    templates.clear()
    return templates.register('any', { input: schema as typeof input, defaults }, () => task(Task1))
  }
  await refused(() => withInput(z.object({}), { x: 1 }).compose({}), 'ERR_TEMPLATE', /of no parameters, got "x"/)
  const silent = { '~standard': { version: 1, vendor: 'own', validate: (value: unknown) => ({ value }) } }
  for (const schema of [z.looseObject({}), silent])
    assert.deepEqual(await withInput(schema, { x: 1 }).input({ y: 2 }), { x: 1, y: 2 })
  assert.deepEqual(await withInput(silent, {}).parameters(), { list: [], complete: false })
})

test('a template without a schema tells no parameters; its runs have its options', async () => {
  const options = { queue: 'slow', ttl: '5s', unique: true, memory: { prefix: 'own' } } as const
  const template = templates.register('plain', options, () => task(Task1))
  assert.deepEqual(await template.parameters(), { list: [], complete: false })
  const { record } = await template.create()
  assert.deepEqual([record.fields.queue, record.ttlMs, record.fields.unique], ['slow', 5000, 'plain'])
  assert.match(record.fields.memory ?? '', /^last \d+ own$/)
  for (const name of ['b', 'a', 'c']) templates.register(name, {}, () => task(Task1))
  assert.deepEqual(
    templates.list().map(({ name }) => name),
    ['a', 'b', 'c', 'plain'],
  )
})

test('an empty file of defaults gives none', async () => {
  writeFileSync(join(bench.dir, 'templates.yml'), '# none\n')
  register()
  assert.deepEqual(await templates.get('enrich').input({ doc_id: '5' }), { doc_id: '5', llm_model: 'small' })
})
