// How long commands take to start, as multiples of `node -e 0`, in one run and in turn; Redis is there and empty, and the
// application has neither jobs nor settings.
//   script/build && node --conditions=source --import tsx bench/start.ts [--rounds 15]
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { packageRoot } from '../runtime/core/package.ts'
import { startRedis } from '../test/support/redis.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } })
const rounds = Number(values.rounds)
const runtime = `${packageRoot}/bin/runtime.js`

/** What is started, by its name in the table. */
const contestants: Record<string, string[]> = {
  'node -e 0': ['-e', '0'],
  'runtime --version': [runtime, '--version'],
  'runtime --help': [runtime, '--help'],
  'runtime queues': [runtime, 'queues'],
  'runtime work --isolation inline --drain': [runtime, 'work', '--isolation', 'inline', '--drain'],
}

/** Processor time of this process's children, which a busy machine does not stretch, and time by the clock. */
function run(args: string[], url: string): { cpuMs: number; wallMs: number } {
  const began = performance.now()
  const cpuBefore = childrenCpuMs()
  const { status, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, REDIS_URL: url, RUNTIME_LOG_LEVEL: 'error' },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${args.join(' ')}: exit code ${status}: ${stderr}`)
  return { cpuMs: childrenCpuMs() - cpuBefore, wallMs: performance.now() - began }
}

const TICK_MS = 10

/** From /proc, in steps of 10 ms; a median of many rounds is finer. */
function childrenCpuMs(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? []
  // cutime and cstime, the 16th and 17th field of the file.
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS
}

const mean = (numbers: number[]): number => numbers.reduce((sum, each) => sum + each, 0) / numbers.length
const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0

const folder = mkdtempSync(join(tmpdir(), 'start-'))
mkdirSync(join(folder, 'src/jobs'), { recursive: true })
const redis = await startRedis()
const taken = new Map(Object.keys(contestants).map((name) => [name, { cpu: [] as number[], wall: [] as number[] }]))
for (let round = 0; round <= rounds; round += 1) {
  for (const [name, args] of Object.entries(contestants)) {
    const { cpuMs, wallMs } = run(args, redis.url)
    // The first round fills caches.
    if (round === 0) continue
    taken.get(name)?.cpu.push(cpuMs)
    taken.get(name)?.wall.push(wallMs)
  }
}
await redis.stop()
rmSync(folder, { recursive: true })

const base = taken.get('node -e 0') ?? { cpu: [], wall: [] }
console.log(`Node ${process.version}, ${rounds} rounds`)
for (const [name, { cpu, wall }] of taken) {
  const times = [`${mean(cpu).toFixed(0)} ms of processor (${(mean(cpu) / mean(base.cpu)).toFixed(1)} x)`]
  times.push(`${median(wall).toFixed(0)} ms (${(median(wall) / median(base.wall)).toFixed(1)} x)`)
  console.log(`${name.padEnd(42)} ${times.join(', ')}`)
}
