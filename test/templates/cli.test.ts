import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { leavesNoProcess, ROOT, runCli, startCli, type Exit } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { runExample, runIn } from '../composition/example-run.ts'

const redis = useRedis()
leavesNoProcess({ withinMs: 20_000 })

const template = (...args: string[]): Promise<Exit> => runIn(redis, 'templates', ['template', ...args])
const says = async (args: string[], exitCode: number, pattern: RegExp): Promise<void> => {
  const exit = await template(...args)
  assert.equal(exit.exitCode, exitCode, `${exit.stdout}${exit.stderr}`)
  assert.match(exit.stderr, pattern)
  assert.equal(exit.stderr.trim().split('\n').length, 1, exit.stderr)
}

test('list and show', async () => {
  const list = await template('list')
  assert.equal(
    list.stdout,
    'name\tparameters\tdescription\nenrich_and_index\t--doc-id [--llm-model] [--index-name] [--max-words]\tFetch a document, summarize it, index the summary\n',
  )
  const [found] = JSON.parse((await template('list', '--json')).stdout) as { parameters: unknown[]; file: string }[]
  assert.deepEqual([found?.file, found?.parameters.length], ['jobs/enrich-and-index.ts', 4])
  const show = await template('show', 'enrich_and_index')
  assert.match(
    show.stdout,
    /--doc-id\tstring\trequired\t\n--llm-model\tstring\t\t"small"\n--index-name\tstring\t\t"documents"\n--max-words\tnumber\t\t100\n$/,
  )
  const steps = await template('show', 'enrich_and_index', '--doc-id', '5')
  assert.match(steps.stdout, /FetchDoc\n\s+EnrichDoc {2}← FetchDoc\n\s+IndexDoc {2}← EnrichDoc\n$/)
})

test('run: flags in kebab case are the schema’s keys, in their types; a worker carries it', async () => {
  const worker = startCli(['work'], { cwd: `${ROOT}examples/templates`, env: { REDIS_URL: redis.url } })
  try {
    const args = [
      'run',
      'enrich_and_index',
      '--doc-id',
      '123',
      '--max-words=3',
      '--llm-model',
      'large',
      '--wait',
      '--timeout',
      '60s',
      '--json',
    ]
    const { stdout, stderr, exitCode } = await template(...args)
    assert.equal(exitCode, 0, stderr)
    const [key = ''] = await redis.client().keys('resque:rt:mem:memory:*')
    const { summary, max_words: words } = await redis.client().hgetall(key)
    assert.deepEqual([summary, words], ['"large says: the text of"', '3'])
    assert.ok(stdout.includes('finished'))
  } finally {
    await worker.stop()
  }
})

test('values as one object, under the flags', async () => {
  const { stdout, exitCode } = await template(
    'run',
    'enrich_and_index',
    '--values',
    '{"doc_id":"1","max_words":7}',
    '--doc-id',
    '2',
  )
  assert.equal(exitCode, 0)
  const memory = await redis.client().hgetall(`resque:rt:mem:memory:${stdout.trim()}`)
  assert.deepEqual([memory.doc_id, memory.max_words], ['"2"', '7'])
})

test('bad input: one line, exit code 2', async () => {
  await says(
    ['run', 'enrich_and_idnex', '--doc-id', '1'],
    2,
    /expected one of enrich_and_index; did you mean enrich_and_index\?/,
  )
  await says(['run', 'enrich_and_index'], 2, /doc_id: .*expected string/)
  await says(
    ['run', 'enrich_and_index', '--doc', '1'],
    2,
    /expected parameters --doc-id, --llm-model, --index-name, --max-words, got --doc/,
  )
  await says(
    ['run', 'enrich_and_index', '--doc-id', '1', '--max-words', 'many'],
    2,
    /--max-words: expected a number, got "many"/,
  )
  await says(['run', 'enrich_and_index', '123'], 2, /expected parameters as --name value, got "123"/)
  await says(['run', 'enrich_and_index', '--doc-id', '1', '--timeout', 'banana'], 2, /--timeout: expected .* "banana"/)
  await says(['run'], 2, /template run: expected <name>, got 0 of 1/)
  await says(['show', 'enrich_and_index', '--values', '{'], 2, /--values: expected JSON/)
  await says(['run', 'enrich_and_index', '--values', '[1]'], 2, /--values: expected a JSON object, got \[1\]/)
  assert.deepEqual(await redis.client().keys('*'), [])
})

test('examples/templates', async () => {
  const { stdout, stderr, exitCode } = await runExample(redis, 'templates')
  assert.equal(exitCode, 0, stderr)
  const [names, run = ''] = stdout.trim().split('\n')
  assert.equal(names, "[ 'enrich_and_index' ]")
  assert.deepEqual(JSON.parse(run.replace('finished ', '')), {
    doc_id: '123',
    llm_model: 'small',
    index_name: 'documents',
    max_words: 100,
    text: 'the text of document 123',
    summary: 'small says: the text of document 123',
    indexed: true,
  })
})

test('examples/templates/schedule.yml is a schedule, and its entry runs', async () => {
  const check = await runIn(redis, 'templates', ['schedule', 'check'])
  assert.equal(check.exitCode, 0, check.stderr)
  const { exitCode, stderr } = await runIn(redis, 'templates', ['schedule', 'run', 'index_the_front_page'])
  assert.equal(exitCode, 0, stderr)
  const [key = ''] = await redis.client().keys('resque:rt:mem:memory:*')
  assert.deepEqual(await redis.client().hgetall(key), {
    doc_id: '"front-page"',
    llm_model: '"large"',
    index_name: '"documents"',
    max_words: '100',
  })
})

/** A copy of the example that can be changed; removed when the test is over. */
function exampleCopy(t: TestContext): string {
  const app = mkdtempSync(join(tmpdir(), 'templates-'))
  t.after(() => rmSync(app, { recursive: true }))
  cpSync(`${ROOT}examples/templates`, app, { recursive: true })
  mkdirSync(join(app, 'node_modules'))
  symlinkSync(ROOT, join(app, 'node_modules/resque-runtime'))
  symlinkSync(`${ROOT}node_modules/zod`, join(app, 'node_modules/zod'))
  writeFileSync(join(app, 'package.json'), '{ "type": "module" }')
  return app
}

test('a misspelt name in templates.yml is told by list', async (t) => {
  const app = exampleCopy(t)
  writeFileSync(join(app, 'templates.yml'), 'enrich_and_indx: { llm_model: x }\n')
  const env = { REDIS_URL: redis.url }
  const { stderr, exitCode } = await runCli(['template', 'list'], { cwd: app, env })
  assert.equal(exitCode, 0, stderr)
  assert.match(
    stderr,
    /templates\.yml: enrich_and_indx: expected the name of a template; did you mean enrich_and_index\?/,
  )
})

test('a parameter named as a flag of the command is shown, and given, by --values', async (t) => {
  const app = exampleCopy(t)
  writeFileSync(
    join(app, 'jobs/crawl.ts'),
    `import { z } from 'zod'
import { chain, Job, task, templates } from 'resque-runtime'
export class Crawl extends Job { perform() {} }
export const crawl = templates.register('crawl', { input: z.object({ page: z.string(), timeout: z.number() }) }, () =>
  chain(task(Crawl)))
`,
  )
  const runtime = (...args: string[]): Promise<Exit> =>
    runCli(['template', ...args], { cwd: app, env: { REDIS_URL: redis.url } })
  const shown = await runtime('show', 'crawl')
  assert.match(
    shown.stdout,
    /--page\tstring\trequired\t\n--values '\{"timeout":…\}'\tnumber\trequired\t\n/,
    shown.stderr,
  )
  const run = await runtime('run', 'crawl', '--page', 'a', '--values', '{"timeout":5}')
  assert.equal(run.exitCode, 0, run.stderr)
})
