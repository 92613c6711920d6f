// Pipelines as the command and the dashboard read them: with their latest runs, and run requests in bounded pages.
import assert from 'node:assert/strict'
import { beforeEach, it } from 'node:test'
import {
  isPipeline,
  openPipelines,
  pipelineRows,
  pipelineRuns,
  pipelineView,
  requestPage,
  requirePipeline,
  type RequestPage,
} from '../../runtime/inspect/pipelines.ts'
import { useRedis } from '../support/redis.ts'
import { useStore } from '../worker/support.ts'
import { inspected } from './support.ts'

const server = useRedis()
const to = useStore(server)
const step = '{ name: only, class_name: OnlyJob, queue: work }'

beforeEach(() =>
  openPipelines(inspected(to.store)).load(`
etl: { params: { day: monday }, jobs: [${step}] }
report: { jobs: [${step}] }
`),
)

it('lists pipelines with the latest run of each, and the latest runs of all', async () => {
  const place = inspected(to.store)
  const pipelines = openPipelines(place)
  const runs: (string | undefined)[] = []
  for (const [name, instance] of [
    ['etl', 1],
    ['report', 1],
    ['etl', 2],
  ] as const)
    runs.push((await pipelines.run(name, { instance })).run)
  const rows = await pipelineRows(place)
  assert.deepEqual(
    rows.map(({ name, version, latest }) => [name, version, latest?.id, latest?.at]),
    [
      ['etl', 1, runs[2], { step: 'only', state: 'Ready' }],
      ['report', 1, runs[1], { step: 'only', state: 'Ready' }],
    ],
  )
  const ids = async (name: string | undefined, count: number): Promise<string[]> =>
    (await pipelineRuns(place, name, count)).map(({ id }) => id)
  assert.deepEqual(await ids(undefined, 2), [runs[2], runs[1]])
  assert.deepEqual(await ids('etl', 50), [runs[2], runs[0]])
  for (const run of runs) await server.client().hset(`resque:rt:run:${run}`, 'created_at', 5)
  assert.deepEqual(await ids(undefined, 50), [...runs].sort().reverse(), 'of one moment by ID')
})

it('reads one version with the parameters that were set, and says which names there are', async () => {
  const place = inspected(to.store)
  const pipelines = openPipelines(place)
  await pipelines.setParams('etl', { day: 'friday' })
  await pipelines.load(`etl: { jobs: [${step}, { name: next, class_name: NextJob, queue: work }] }`)
  const [latest, first] = [await pipelineView(place, 'etl'), await pipelineView(place, 'etl', 1)]
  assert.deepEqual([latest.version, latest.definition.steps.length, latest.params], [2, 2, { '': { day: 'friday' } }])
  assert.deepEqual([first.version, first.definition.steps.length], [1, 1])
  assert.equal(await isPipeline(place, 'etl'), true)
  await requirePipeline(place, 'etl')
  await assert.rejects(requirePipeline(place, 'nothing like'), { message: /; there are etl, report$/ })
  await assert.rejects(requirePipeline(place, 'elt'), { code: 'ERR_NOT_FOUND', message: /did you mean etl\?/ })
  await server.client().flushall()
  await assert.rejects(requirePipeline(place, 'etl'), { message: /none is loaded: run `runtime pipeline load/ })
})

it('pages through run requests, of one pipeline too, and looks at a bounded number for each page', async () => {
  const place = inspected(to.store)
  const pipelines = openPipelines(place)
  for (let i = 0; i < 3; i += 1) await pipelines.request('etl', { id: `etl${i}` })
  for (let i = 0; i < 1500; i += 1) void pipelines.request('report', { id: `report${i}` })
  await pipelines.request('report', { id: 'last' })
  // They are listed by time: set it, since all were written within a few milliseconds.
  const key = 'resque:rt:pipeline-requests'
  const written = await server.client().zrange(key, 0, '-1')
  assert.equal(written.length, 1504)
  await server.client().zadd(key, '1', 'etl0', '2', 'etl1', '3', 'etl2')
  const ids = ({ requests }: RequestPage): string[] => requests.map(({ id }) => id)

  const newest = await requestPage(place, {}, { count: 2 })
  assert.equal(newest.requests.length, 2)
  const after = await requestPage(place, {}, { count: 2, cursor: newest.next })
  assert.equal(new Set([...ids(newest), ...ids(after)]).size, 4, 'the next page begins after the first')

  const first = await requestPage(place, { pipeline: 'etl' }, { count: 2 })
  assert.deepEqual([ids(first), first.next !== undefined], [[], true], 'a page has a bound, and a cursor')
  const second = await requestPage(place, { pipeline: 'etl' }, { count: 2, cursor: first.next })
  assert.deepEqual([ids(second), second.next], [['etl2', 'etl1'], 'etl1'])
  const third = await requestPage(place, { pipeline: 'etl' }, { count: 2, cursor: second.next })
  assert.deepEqual([ids(third), third.next], [['etl0'], undefined])
  assert.deepEqual(await requestPage(place, {}, { cursor: 'not kept' }), { requests: [], next: undefined })
})
