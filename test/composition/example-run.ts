import { fileURLToPath } from 'node:url'
import { runCommand } from '../support/command.ts'
import { ROOT, startCli, startProcess, type Exit } from '../support/process.ts'
import type { TestRedis } from '../support/redis.ts'

/** Runs an example as its page says: a worker in its folder, then its main.ts, which must end by itself. */
export async function runExample(redis: TestRedis, name: string, flags: readonly string[] = []): Promise<Exit> {
  const cwd = fileURLToPath(new URL(`examples/${name}/`, `file://${ROOT}`))
  const env = { REDIS_URL: redis.url }
  const worker = startCli(['work', ...flags], { cwd, env })
  const main = startProcess(process.execPath, ['--import', 'tsx', 'main.ts'], { cwd, env, timeoutMs: 120_000 })
  const exit = await main.exited.finally(() => worker.kill())
  const { stderr } = await worker.exited
  return exit.exitCode === 0 ? exit : { ...exit, stderr: `${exit.stderr}\nthe worker said:\n${stderr}` }
}

/** Runs `runtime …` in an example's folder, in this process where it can. */
export function runIn(redis: TestRedis, name: string, args: readonly string[]): Promise<Exit> {
  const cwd = fileURLToPath(new URL(`examples/${name}/`, `file://${ROOT}`))
  return runCommand(args, { cwd, env: { REDIS_URL: redis.url }, timeoutMs: 60_000 })
}
