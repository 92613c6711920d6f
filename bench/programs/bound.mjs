// The bound: fork and _exit of a zygote that has loaded the runtime, and nothing else. Prints forks a second.
//   node --single-threaded … bound.mjs <forks> <at a time> <MB of ballast> <plain | packed>
// plain: V8's heap as V8 lays it out; packed: as our zygote has it laid out (heap-layout.ts).
import { runInNewContext } from 'node:vm'
import { setFlagsFromString } from 'node:v8'

const { disablePlatformWorkers } = await import('../../runtime/worker/launchers/fork/zygote/core/node-platform.ts')
const { markAllMemory } = await import('../../runtime/worker/launchers/fork/zygote/tuning/fork-ranges.ts')
const { THOROUGH, gatherHeap, packHeap, useHugePages } =
  await import('../../runtime/worker/launchers/fork/zygote/tuning/heap-layout.ts')
const [forks = 500, slots = 1, megabytes = 0] = process.argv.slice(2, 5).map(Number)
const packed = process.argv[5] === 'packed'
if (packed) gatherHeap()
const { exitNow, fork, wait4 } = await import('../../runtime/worker/launchers/fork/zygote/core/libc.ts')
await import('../../runtime/worker/launchers/fork/zygote/core/job.ts')
await import('../../runtime/index.ts')
const { ballast } = await import('./ballast.mjs')

globalThis.kept = ballast(megabytes)
disablePlatformWorkers()
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
if (packed) {
  await packHeap(collect)
  useHugePages()
} else for (let round = 0; round < 2; round += 1) collect({ ...THOROUGH, execution: 'sync' })

const status = new Int32Array(1)
const usage = new Uint8Array(144)
const running = []
function run(count) {
  const startedAt = performance.now()
  for (let index = 0; index < count; index += 1) {
    if (running.length >= slots) wait4(running.shift(), status, 0, usage)
    markAllMemory()
    const pid = fork()
    if (pid === 0) exitNow(0)
    running.push(pid)
  }
  while (running.length > 0) wait4(running.shift(), status, 0, usage)
  return count / ((performance.now() - startedAt) / 1000)
}
run(20)
console.log(run(forks))
