import assert from 'node:assert/strict'
import { it } from 'node:test'
import { leavesNoProcess } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { push, startWorker, untilState, useEvidence, useStore } from './support.ts'

const server = useRedis()
const evidence = useEvidence()
const to = useStore(server)
leavesNoProcess()

it('with worker.hideSecrets job processes see no address and no password', async () => {
  const env = { RUNTIME_WORKER_HIDE_SECRETS: 'true', RUNTIME_ARCHIVE_URL: 'postgres://user:secret@127.0.0.1:9/none' }
  for (const isolation of ['fork', 'spawn'] as const) {
    const worker = await startWorker(server, evidence, { isolation, env })
    await untilState(to.store, await push(to.store, 'Sees', ['EVIDENCE', 'REDIS_URL', 'RUNTIME_ARCHIVE_URL']), 'done')
    await worker.stop('SIGQUIT')
  }
  assert.deepEqual(evidence.lines('sees'), [
    ['sees', 'EVIDENCE'],
    ['sees', 'EVIDENCE'],
  ])
})
