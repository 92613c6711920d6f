// What a machine says of itself, with the answers of others in place of this one's.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { configShape } from '../../config/schema.ts'
import { checkShape } from '../../config/shape.ts'
import { containerLimits, machine, memoryKills, processLimits, processorsHere } from '../../config/machine.ts'

/** Answers with these files and no other. */
function withFiles(t: TestContext, files: Record<string, string>): void {
  t.mock.method(machine, 'file', (path: string) => files[path])
  t.mock.method(machine, 'exists', (path: string) => path in files)
  t.mock.method(machine, 'processors', () => 8)
}

describe('machine', () => {
  it('reads the limits of a container in cgroup v2: the narrowest of its group and those above', (t) => {
    withFiles(t, {
      '/proc/self/cgroup': '0::/app/worker\n',
      '/sys/fs/cgroup/cgroup.controllers': 'cpu memory',
      '/sys/fs/cgroup/app/memory.max': '536870912\n',
      '/sys/fs/cgroup/app/worker/memory.max': 'max\n',
      '/sys/fs/cgroup/app/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/app/worker/cpu.max': '250000 100000\n',
    })
    assert.deepEqual(containerLimits(), { version: 2, memoryBytes: 512 << 20, processors: 2.5 })
    assert.equal(processorsHere(), 2)
    assert.equal(checkShape(configShape, { worker: { concurrency: 'auto' } }).values.worker.concurrency, 2)
  })

  it('counts the processes that the kernel ended for the memory of the group, in cgroup v2 and v1', (t) => {
    withFiles(t, { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.events': 'oom 3\noom_kill 2\n' })
    assert.equal(memoryKills(), 2)
    withFiles(t, {
      '/proc/self/cgroup': '5:memory:/docker/abc\n0::/\n',
      '/sys/fs/cgroup/memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 9\n',
      '/sys/fs/cgroup/memory/docker/abc/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n',
    })
    assert.equal(memoryKills(), 1)
    withFiles(t, {})
    assert.equal(memoryKills(), undefined)
  })

  it('reads them in cgroup v1, where no limit is a number near 2^63', (t) => {
    withFiles(t, {
      '/proc/self/cgroup': '5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '1073741824\n',
      '/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes': '9223372036854771712\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    })
    assert.deepEqual(containerLimits(), { version: 1, memoryBytes: 1 << 30, processors: 0.5 })
    assert.equal(processorsHere(), 1)
  })

  it('knows no limits where there are none, and where there is no /proc', (t) => {
    withFiles(t, { '/proc/self/cgroup': '1:cpu:/\n0::/\n', '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n' })
    assert.deepEqual(containerLimits(), { version: 1 })
    assert.equal(processorsHere(), 8)
    withFiles(t, {})
    assert.equal(containerLimits(), undefined)
    assert.deepEqual(processLimits(), {})
    assert.equal(processorsHere(), 8)
  })

  it('reads the soft limits of the process', (t) => {
    withFiles(t, {
      '/proc/self/limits':
        'Limit                     Soft Limit           Hard Limit           Units     \n' +
        'Max processes             unlimited            unlimited            processes \n' +
        'Max open files            1024                 524288               files     \n',
    })
    assert.deepEqual(processLimits(), { openFiles: 1024 })
  })
})
