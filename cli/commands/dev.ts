import { once } from 'node:events'
import { createServer } from 'node:net'
import type { CommandModule } from 'yargs'
import { type Isolation, ISOLATIONS } from '../../config/isolations.ts'
import { loadConfig } from '../../config/load.ts'
import { maskUrl } from '../../config/redis-url.ts'
import type { Config } from '../../config/schema.ts'
import { close } from '../../runtime/jobs/default-client.ts'
import type { GlobalFlags } from '../context.ts'
import { type Change, watchApp } from '../dev/changes.ts'
import { EmbeddedRedis } from '../embedded-redis.ts'
import { logFileFlag } from '../log.ts'
import { line } from '../output.ts'
import { onNpmExit } from '../exit-with-parent.ts'
import { onSignals } from '../signals.ts'
import { machine } from '../../config/machine.ts'
import { ChildCommand, type ChildCommandOptions } from '../child-command.ts'

interface DevFlags extends GlobalFlags {
  queues?: string
  concurrency?: string
  isolation?: Isolation
  'inspect-jobs'?: boolean
  program?: string[]
  /** Yargs leaves what follows `--` here, after the name of this command. */
  _: (string | number)[]
}

/**
 * `runtime dev`: a private Redis, a worker, a scheduler, the dashboard and the application's own server in one terminal;
 * reloads the application when its code changes.
 */
export const devCommand: CommandModule<GlobalFlags, DevFlags> = {
  builder: (yargs) =>
    yargs
      .options(logFileFlag)
      .option('queues', { type: 'string', describe: 'Queues of the worker' })
      .option('concurrency', {
        type: 'string',
        describe: 'Number of jobs that run at the same time; auto: one per processor of the container or machine',
      })
      .option('isolation', { choices: ISOLATIONS, describe: 'How job processes are created' })
      .option('inspect-jobs', {
        type: 'boolean',
        describe: 'Each job waits until a debugger is attached to its process',
      })
      .positional('program', {
        type: 'string',
        array: true,
        describe: 'A program to run beside them, such as a web server',
      })
      .example('$0 dev', 'then, in another terminal: runtime enqueue …')
      .example('$0 dev -- node --import tsx src/server.ts', 'runs your web server, too'),
  handler: async (argv) => {
    let end: (reason: Error | undefined) => void = () => undefined
    const ended = new Promise<Error | undefined>((resolve) => (end = resolve))
    const off = onSignals({ SIGINT: undefined, SIGTERM: undefined, SIGHUP: undefined, SIGQUIT: undefined }, end)
    const unfollow = onNpmExit(() => {
      line('dev       | npm has ended; runtime dev ends, too')
      end(undefined)
    })
    let redis: EmbeddedRedis | undefined
    let runners: ChildRunner[] = []
    try {
      const config = settings(argv)
      redis = await ownRedis(config, (how) => end(new Error(`its redis-server ended by itself: ${how}`)))
      if (config.log.file !== undefined) line(`dev       | worker and scheduler log to ${config.log.file}`)
      runners = startAll(config, argv, redis?.url, await webPort(config.web))
      const unwatch = watchApp(config, follow(runners, config.worker.isolation === 'inline'))
      const reason = await ended
      unwatch()
      if (reason) throw reason
    } finally {
      await Promise.all(runners.map((runner) => runner.stop()))
      await redis?.stop()
      off()
      unfollow()
      close()
    }
  },
}

/** The program's words, with or without `--` before them. */
const programOf = ({ program = [], _: [, ...words] }: DevFlags): string[] => [...program, ...words.map(String)]

function settings({ config, redis, namespace, queues, concurrency, isolation, ...rest }: DevFlags): Config {
  return loadConfig({
    file: config,
    findEmbedded: false,
    flags: {
      namespace,
      redis: { url: redis },
      worker: { queues, concurrency, isolation },
      log: { level: rest['log-level'], file: rest['log-file'] },
    },
  })
}

/** A private Redis, unless the settings name one. */
async function ownRedis(config: Config, onLost: (how: string) => void): Promise<EmbeddedRedis | undefined> {
  if (config.redis.sentinel || config.redis.cluster || config.redis.url !== undefined) {
    line(`dev       | Redis as configured${config.redis.url === undefined ? '' : `: ${maskUrl(config.redis.url)}`}`)
    return undefined
  }
  const redis = new EmbeddedRedis({ root: config.root, onLost })
  await redis.start()
  line(`dev       | a private Redis (${redis.pid}): ${redis.url}`)
  line('dev       | programs in this folder find it; elsewhere set REDIS_URL to that address')
  return redis
}

/** Any free port where another program, such as a second `runtime dev`, has that of the settings. */
async function webPort({ host, port }: Config['web']): Promise<number> {
  const server = createServer().listen(port, host)
  const isFree = await once(server, 'listening').then(
    () => true,
    () => false,
  )
  server.close()
  if (!isFree) line(`dev       | another program listens on ${host}:${port}: the dashboard gets another port`)
  return isFree ? port : 0
}

function startAll(config: Config, argv: DevFlags, ownUrl: string | undefined, port: number): ChildRunner[] {
  const shared = (['namespace', 'config', 'log-level', 'log-file'] as const).flatMap((name) =>
    argv[name] === undefined ? [] : [`--${name}`, argv[name]],
  )
  const own = (['queues', 'concurrency', 'isolation', 'inspect-jobs'] as const).flatMap((name) =>
    argv[name] === undefined ? [] : argv[name] === true ? [`--${name}`] : [`--${name}`, String(argv[name])],
  )
  const url = argv.redis ?? ownUrl
  const env = {
    ...process.env,
    // Not as a flag: a URL may hold a password, and arguments are for everyone to see.
    ...(url === undefined ? {} : { RUNTIME_REDIS_URL: url }),
    ...(config.log.format === 'auto' ? { RUNTIME_LOG_FORMAT: 'text' } : {}),
  }
  const keep = (name: string, args: string[], program?: string): ChildRunner => {
    const runner = new ChildRunner({ program, args, cwd: config.root, env }, (text) =>
      line(`${name.padEnd(9)} | ${text}`),
    )
    runner.start()
    return runner
  }
  const [program, ...words] = programOf(argv)
  return [
    keep('work', ['work', ...own, ...shared]),
    keep('scheduler', ['scheduler', ...shared]),
    keep('web', ['web', '--port', String(port), ...shared]),
    ...(program === undefined ? [] : [keep('app', words, program)]),
  ]
}

/**
 * What each kind of change asks of whom. A worker has its jobs' parent process load modules again, unless it runs jobs in
 * its own process; a scheduler has loaded them itself, for names, queues, hooks and workflows, and a process cannot load a
 * module twice.
 */
function follow([work, scheduler, , app]: ChildRunner[], inline: boolean): (change: Change) => void {
  return (change) => {
    line(`dev       | ${change} changed`)
    if (change === 'settings' || (change === 'code' && inline)) void work?.restart()
    else if (change === 'code') work?.reload()
    void scheduler?.restart()
    if (change !== 'schedule') void app?.restart()
  }
}

/** Keeps one command running over changes of the application; one that ended waits for the next change. */
class ChildRunner {
  readonly #options: Omit<ChildCommandOptions, 'onLine'>
  readonly #say: (line: string) => void
  #child: ChildCommand | undefined
  #stopped = false

  /** @param say prints a line of the command, or about it */
  constructor(options: Omit<ChildCommandOptions, 'onLine'>, say: (line: string) => void) {
    this.#options = options
    this.#say = say
  }

  /** Starts it, unless it runs. */
  start(): void {
    if (this.#child || this.#stopped) return
    const child = new ChildCommand({ ...this.#options, onLine: this.#say })
    this.#child = child
    void child.exited.then((how) => {
      if (this.#child !== child) return
      this.#child = undefined
      if (!this.#stopped) this.#say(`ended (${how}); starts again when a file changes`)
    })
  }

  /** Makes it load the application again, without a gap; starts it if it has ended. */
  reload(): void {
    // Windows has no such signal: it would end the command.
    if (machine.os() === 'win32') void this.restart()
    else if (this.#child) this.#child.kill('SIGHUP')
    else this.start()
  }

  /** Ends it and starts another, for what is only read at the start. */
  async restart(): Promise<void> {
    await this.#end()
    this.start()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#end()
  }

  async #end(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    await child?.stop()
  }
}
