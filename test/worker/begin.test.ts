// What goes wrong before a job performs: hooks of a new process, the constructor, the arguments. It is a failure like any other.
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { Job } from '../../runtime/jobs/job.ts'
import { Registry } from '../../runtime/jobs/registry.ts'
import type { Channel } from '../../runtime/worker/child/event-loop.ts'
import { execute } from '../../runtime/worker/child/executor.ts'
import type { Assignment, Outcome } from '../../runtime/messages.ts'
import { assignmentOf } from '../contracts/launcher.contract.ts'

const told: string[] = []
beforeEach(() => void told.splice(0))

class Plain extends Job {
  static override retry = { limit: 3, delay: 10, jitter: 0 }
  perform(): void {
    told.push('performed')
  }
  onFailure(error: Error): void {
    told.push(`failed: ${error.message}`)
  }
}
class Unborn extends Plain {
  constructor() {
    super()
    throw new Error('no instance')
  }
}

const registry = new Registry()
registry.addModule({ Plain, Unborn }, 'here')
const channel: Channel = { send: () => undefined, onMessage: () => undefined }
const run = (className: string, begin?: () => unknown, more?: Partial<Assignment>): Promise<Outcome> =>
  execute(assignmentOf(className, [], more), { registry, hooks: {} }, channel, begin)
const away = (): Promise<never> => Promise.reject(new Error('database away'))

describe('before a job performs', () => {
  it('a hook of its process that fails is retried, and told to onFailure', async () => {
    const outcome = await run('Plain', away)
    assert.ok(outcome.kind === 'failed')
    assert.deepEqual([outcome.error.message, outcome.retryInMs], ['database away', 10])
    assert.deepEqual(told, ['failed: database away'])
  })

  it('a constructor that fails is retried', async () => {
    const outcome = await run('Unborn')
    assert.ok(outcome.kind === 'failed')
    assert.deepEqual([outcome.error.message, outcome.retryInMs], ['no instance', 10])
    assert.deepEqual(told, [])
  })

  it('arguments that cannot be read are a failure of the job', async () => {
    const outcome = await run('Plain', undefined, { args: '[' })
    assert.equal(outcome.kind === 'failed' ? outcome.error.name : outcome.kind, 'SyntaxError')
  })

  it('the onFailure hook of a job that died is not told of what keeps it from running', async () => {
    const outcome = await run('Plain', away, {
      phase: 'onFailure',
      failure: { name: 'E', message: 'm', backtrace: [] },
    })
    assert.equal(outcome.kind === 'failed' ? outcome.error.message : outcome.kind, 'database away')
    assert.deepEqual(told, [])
  })
})
