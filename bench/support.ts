import { spawn, type ChildProcess } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'

export const APP = fileURLToPath(new URL('./app', import.meta.url))
const CLI = fileURLToPath(new URL('../bin/runtime.js', import.meta.url))

/** A Redis of the benchmark's own, without persistence, on a port that was free. */
export async function startRedis(): Promise<{ url: string; client: Redis; stop: () => Promise<void> }> {
  const port = await freePort()
  const server = spawn('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no'], {
    stdio: 'ignore',
  })
  const client = new Redis(port, { maxRetriesPerRequest: null, retryStrategy: () => 20 })
  client.on('error', () => undefined)
  const info = await client.info('server')
  if (!info.includes(`process_id:${server.pid}\r`)) throw new Error(`port ${port} belongs to another Redis`)
  const stop = async (): Promise<void> => {
    client.disconnect()
    server.kill()
    await new Promise((resolve) => server.once('exit', resolve))
  }
  return { url: `redis://127.0.0.1:${port}`, client, stop }
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

/** Pushes Resque items, in batches, as a Ruby producer does. Only workers of version 0.1 are woken; others find them at their next poll. */
export async function push(client: Redis, queue: string, items: readonly string[]): Promise<void> {
  await client.sadd('resque:queues', queue)
  for (let at = 0; at < items.length; at += 1000)
    await client.rpush(`resque:queue:${queue}`, ...items.slice(at, at + 1000))
  await client.publish('resque:rt:wake', queue)
}

export const item = (className: string, ...args: unknown[]): string => JSON.stringify({ class: className, args })

/** `runtime …` in the benchmark's application. */
export function runtime(args: readonly string[], url: string, cwd = APP): ChildProcess {
  return spawn(process.execPath, [CLI, ...args, '--redis', url], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** The value of `--name value` on the command line. */
export function flag(name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(process.argv[at + 1])
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}
