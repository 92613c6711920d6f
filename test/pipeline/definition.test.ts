// What a pipeline file may say, and what is wrong with it, by place.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compilePipeline, readPipelines } from '../../runtime/workflow/definitions/pipeline.ts'
import type { ClassResolver } from '../../runtime/workflow/pipelines/definition.ts'

const classes: Record<string, string | undefined> = { DummyJob: 'low', ExtractJob: undefined, 'Jobs::Load': 'high' }
const resolver: ClassResolver = {
  find: (name) =>
    Object.hasOwn(classes, name) ? { name, ...(classes[name] ? { queue: classes[name] } : {}) } : undefined,
  names: () => Object.keys(classes),
}

const refused = (text: string, pattern: RegExp, options = {}): void =>
  assert.throws(
    () => readPipelines(text, { file: 'p.yml', resolver, ...options }),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_PIPELINE')
      assert.match(error.message, pattern)
      return true
    },
  )

const jobs = (body: string): string => `p: { jobs: [{ name: a, class_name: DummyJob, ${body} }] }`

describe('pipelines.yml', () => {
  it('reads steps with minutes or durations, classes by their last part, parameters', () => {
    const text = `
example_pipeline:
  description: nightly
  params: { day: monday }
  jobs:
    - { name: extract_data, class_name: jobs.dummy_job.DummyJob, timeout_minutes: 30, retry_gap_minutes: 5, retry_limit: 3 }
    - { name: transform_data, class: ExtractJob, timeout: 90s, retry_gap: 500ms, retry_limit: 1, params: { day: friday } }
    - { name: load, class_name: Jobs::Load, queue: own, memory_limit: 1mb, retry_limit: 2 }
`
    assert.deepEqual(readPipelines(text, { resolver }), [
      {
        name: 'example_pipeline',
        description: 'nightly',
        params: { day: 'monday' },
        steps: [
          {
            name: 'extract_data',
            class: 'DummyJob',
            queue: 'low',
            timeoutMs: 1_800_000,
            retry: { limit: 3, gapMs: 300_000 },
            params: {},
          },
          {
            name: 'transform_data',
            class: 'ExtractJob',
            queue: 'gush',
            timeoutMs: 90_000,
            retry: { limit: 1, gapMs: 500 },
            params: { day: 'friday' },
          },
          {
            name: 'load',
            class: 'Jobs::Load',
            queue: 'own',
            memoryLimitBytes: 1_048_576,
            retry: { limit: 2, gapMs: 60_000 },
            params: {},
          },
        ],
      },
    ])
  })

  it("reads Rush's JSON: a bare definition with a name beside it, or rows of its table", () => {
    const definition = { jobs: [{ name: 'extract_data', class_name: 'jobs.dummy_job.DummyJob', timeout_minutes: 30 }] }
    const names = (text: string, name?: string): string[] =>
      readPipelines(text, { resolver, name }).map((one) => one.name)
    assert.deepEqual(names(JSON.stringify(definition), 'mine'), ['mine'])
    assert.deepEqual(
      names(
        JSON.stringify([
          { name: 'x', definition },
          { name: 'y', definition: JSON.stringify(definition) },
        ]),
      ),
      ['x', 'y'],
    )
    assert.deepEqual(names(JSON.stringify({ name: 'own', ...definition }), 'file'), ['own'])
    assert.deepEqual(names(JSON.stringify([{ name: 'own', ...definition }])), ['own'])
    assert.deepEqual(names(JSON.stringify({ own: { name: 'own', ...definition } })), ['own'])
    refused(JSON.stringify({ above: { name: 'own', ...definition } }), /above\.name: expected "above".*got "own"/)
    refused(JSON.stringify(definition), /--name/)
    refused('[{ "name": "x" }]', /p\.yml\[0\]: expected \{ name, jobs \}, or a row \{ name, definition \}/)
  })

  it('refuses what is wrong, every problem with its place', () => {
    refused(
      jobs('retry_limit: -1'),
      /p\.jobs\[0\]\.retry_limit: expected a whole number from 0 to 1000, got -1; leave it out/,
    )
    assert.equal(readPipelines(jobs('retry_limit: 0'), { resolver })[0]?.steps[0]?.retry?.limit, 0)
    refused(jobs('retry_limit: 1.5'), /got 1\.5/)
    refused(jobs('timeout_minutes: -1'), /timeout_minutes: expected a number of minutes above 0, got -1/)
    refused(jobs('timeout: "-5s"'), /timeout: expected a duration like '30 minutes'.*got "-5s"/)
    refused(jobs('timeout: soon'), /got "soon"/)
    refused(jobs('timeout: 1s, timeout_minutes: 1'), /got both/)
    refused(jobs('retry_gap: 1s'), /a gap without retry_limit/)
    refused(jobs('retry_limits: 2'), /unknown key; did you mean retry_limit\?/)
    refused(jobs('params: [1]'), /params: expected a mapping/)
    refused(jobs('queue: 7'), /queue: expected a name, got 7/)
    refused(jobs('memory_limit: much'), /memory_limit: expected bytes/)
    refused('p: { jobs: [{ name: a, class_name: DumyJob }] }', /unknown class DumyJob; did you mean DummyJob\?/)
    refused('p: { jobs: [{ name: a, class_name: "../../etc/passwd" }] }', /unknown class/)
    refused('p: { jobs: [{ class_name: DummyJob }] }', /name: expected a name, got nothing/)
    refused('p: { jobs: [{ name: a/b, class_name: DummyJob }] }', /without a slash/)
    refused('p: { jobs: [] }', /expected 1 to 1000 steps, got 0/)
    refused('p: { steps: [] }', /expected \{ jobs:/)
    refused('p: 5', /expected \{ jobs:/)
    refused('', /expected a mapping/)
    refused('{}', /at least one pipeline/)
    refused('p: { jobs: [', /p\.yml: expected YAML or JSON: .*line 1/s)
    refused('p: { jobs: [{ name: a, class_name: DummyJob }] }\np: { jobs: [] }', /unique/)
    refused(
      'p: { jobs: [{ name: a, class_name: DummyJob }, { name: a, class_name: DummyJob }] }',
      /jobs\[1\]\.name: "a" is the name of jobs\[0\], too/,
    )
    refused(
      'p: { jobs: [{ name: a, class_name: X }, { name: b, class_name: Y, retry_limit: -1 }] }',
      /3 problems\n.*unknown class X.*\n.*unknown class Y.*\n.*retry_limit/,
    )
  })
})

describe('compiling', () => {
  const [definition] = readPipelines(
    'p: { jobs: [{ name: a, class_name: DummyJob, retry_limit: 2, retry_gap: 1s, timeout: 5s }, { name: b, class_name: ExtractJob }] }',
    { resolver },
  )
  assert.ok(definition)

  it('makes a chain, from the first step or a later one', () => {
    const { nodes } = compilePipeline(definition, { paramsOf: ({ name }) => ({ name }) })
    assert.deepEqual(nodes, [
      {
        ...{ className: 'DummyJob', label: 'a', queue: 'low', params: { name: 'a' }, parents: [] },
        options: {
          timeoutMs: 5000,
          retry: { limit: 2, delayMs: 1000, maxDelayMs: 1000, backoff: 'fixed', jitter: 0, on: [], not: [] },
        },
      },
      {
        className: 'ExtractJob',
        label: 'b',
        queue: 'gush',
        params: { name: 'b' },
        parents: [{ from: 0, when: 'finished' }],
        options: {},
      },
    ])
    assert.deepEqual(
      compilePipeline(definition, { first: 'b', paramsOf: () => ({}) }).nodes.map(({ label }) => label),
      ['b'],
    )
  })

  it("keeps the pipeline's queue for jobs that its steps add", () => {
    const [queued] = readPipelines('p: { queue: etl, jobs: [{ name: a, class_name: ExtractJob }] }', { resolver })
    assert.ok(queued)
    const { queue, nodes } = compilePipeline(queued, { paramsOf: () => ({}) })
    assert.deepEqual([queue, nodes[0]?.queue], ['etl', 'etl'])
  })

  it('refuses a step that it does not have', () => {
    assert.throws(() => compilePipeline(definition, { first: 'c', paramsOf: () => ({}) }), {
      code: 'ERR_NOT_FOUND',
      message: /no step "c"; its steps are a, b/,
    })
  })
})
