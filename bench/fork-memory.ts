/**
 * What an application's size costs: time of an empty forked job beside fork and _exit alone, of the heap as V8 lays it
 * out and as our zygote does, and the memory of one more running job, of applications with so many megabytes on their
 * heap. Memory is what the whole machine has less, so nothing else should run.
 *
 *   node --import tsx bench/fork-memory.ts [--jobs 100] [--sizes 20,100,300]
 */
import { readFileSync } from 'node:fs'
import { silentLogger } from '../runtime/core/logger.ts'
import { ForkLauncher } from '../runtime/worker/launchers/fork/fork.ts'
import type { LaunchedJob, Launcher } from '../runtime/worker/launchers/launcher.ts'
import { SpawnLauncher } from '../runtime/worker/launchers/spawn/spawn.ts'
import type { Assignment } from '../runtime/messages.ts'
import { bound } from './contestants.ts'
import { APP, flag, median } from './support.ts'

const source = { root: APP, paths: ['src/jobs'] }
const jobs = flag('jobs', 100)
const at = process.argv.indexOf('--sizes')
const sizes = (at < 0 ? '20,100,300' : (process.argv[at + 1] ?? '')).split(',').map(Number)

const assignment = (className: string): Assignment => ({
  phase: 'perform',
  jobId: className,
  className,
  queue: 'bench',
  args: '[]',
  attempt: 1,
  worker: 'bench',
})

const spawn = (): SpawnLauncher => new SpawnLauncher({ source, log: silentLogger, spares: 0, bootTimeoutMs: 60_000 })
const fork = (): ForkLauncher => new ForkLauncher({ source, log: silentLogger, bootTimeoutMs: 60_000, fallback: spawn })

async function msPerJob(launcher: Launcher): Promise<number> {
  const times: number[] = []
  for (let index = 0; index < jobs; index += 1) {
    const startedAt = performance.now()
    await launcher.launch(assignment('Empty'), () => undefined).ended
    times.push(performance.now() - startedAt)
  }
  return median(times)
}

/** Starts a job that stays, and waits until it has begun. */
async function stay(launcher: Launcher): Promise<LaunchedJob> {
  let launched: LaunchedJob | undefined
  await new Promise<void>((resolve) => {
    launched = launcher.launch(assignment('Stays'), (message) => message.type === 'started' && resolve())
  })
  return launched as LaunchedJob
}

/** Memory of the machine that no process has, in bytes: pages shared in huge ones are told wrongly by PSS. */
function freeBytes(): number {
  const text = readFileSync('/proc/meminfo', 'utf8')
  const field = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1])
  return (field('MemFree') + field('Cached') + field('Buffers')) * 1024
}

/** By how much the machine's free memory falls with each of so many more running jobs. */
async function mbPerJob(launcher: Launcher, more: number): Promise<number> {
  const running = [await stay(launcher), await stay(launcher)]
  const before = freeBytes()
  for (let index = 0; index < more; index += 1) running.push(await stay(launcher))
  const after = freeBytes()
  for (const job of running) job.kill('SIGKILL')
  await Promise.all(running.map((job) => job.ended))
  return (before - after) / 1024 / 1024 / more
}

console.log('heap MB   bound ms   packed ms   fork ms   one more job: fork MB   spawn MB')
for (const size of sizes) {
  process.env['BALLAST_MB'] = String(size)
  const forks = fork()
  await forks.start()
  const [ms, forkMb] = [await msPerJob(forks), await mbPerJob(forks, 50)]
  await forks.stop()
  const spawns = spawn()
  await spawns.start()
  const spawnMb = await mbPerJob(spawns, 5)
  await spawns.stop()
  const [plainMs, packedMs] = [1000 / bound(jobs, 1, 'plain', size), 1000 / bound(jobs, 1, 'packed', size)]
  const row = [size, ...[plainMs, packedMs, ms, forkMb, spawnMb].map((figure) => figure.toFixed(1))]
  console.log(row.map((cell, index) => String(cell).padStart([7, 11, 12, 10, 24, 11][index] ?? 8)).join(''))
}
