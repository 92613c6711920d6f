import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { hasEnded, identityOf } from '../../runtime/worker/lease/dead-processes.ts'

const skip = process.platform === 'linux' ? false : 'processes are told apart by /proc'

test(
  'a process is told from its successors with the same pid, and from those of other namespaces',
  { skip },
  async () => {
    const child = spawn('sleep', ['60'])
    const identity = identityOf(child.pid)
    const [pid, started, namespace] = identity.split('.')
    assert.equal(hasEnded(identity), false)
    assert.equal(hasEnded([pid, Number(started) - 1, namespace].join('.')), true, 'a pid that was used again')
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(hasEnded(identity), true)
    assert.equal(hasEnded([pid, started, '1'].join('.')), false, 'a container may have one of this pid')
    assert.equal(hasEnded('no identity'), false)
  },
)
