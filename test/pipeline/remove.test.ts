import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { systemClock } from '../../runtime/core/clock.ts'
import { Pipelines } from '../../runtime/workflow/pipelines/pipelines.ts'
import { useRedis } from '../support/redis.ts'
import { StepDriver } from '../workflow/support.ts'

const redis = useRedis()
const text = 'etl: { queue: work, jobs: [{ name: extract, class_name: ExtractJob }] }'

test('removes a pipeline when no run of it is under way, and nothing else', async () => {
  const driver = await new StepDriver(redis).register()
  after(() => driver.close())
  const target = {
    store: driver.store,
    clock: systemClock,
    ttlMs: 60_000,
    maxPayloadBytes: 10_000,
    recordTtlMs: 10_000,
  }
  const pipelines = new Pipelines(target)
  await pipelines.load(text)
  const { run = '' } = await pipelines.run('etl')
  await pipelines.setParams('etl', { n: 7 })
  await assert.rejects(pipelines.remove('etl'), { code: 'ERR_STATE', message: new RegExp(`run ${run} is`) })
  await pipelines.stop(run)
  const late = await pipelines.request('etl', { instance: 2 })
  await pipelines.remove('etl')
  assert.deepEqual(
    (await redis.client().keys('*:pipeline*')).filter((name) => name.includes('etl')),
    [],
  )
  assert.match((await pipelines.decide(late)).reason ?? '', /unknown pipeline/)
  assert.equal((await pipelines.show(run)).status, 'stopped')
  await assert.rejects(pipelines.remove('etl'), { code: 'ERR_NOT_FOUND', message: /unknown pipeline "etl"/ })
  await pipelines.load(text)
  assert.deepEqual(await pipelines.params('etl'), {})
})
