import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { silentLogger, type Logger } from '../runtime/core/logger.ts'
import { loadApp, hasTypeScript, type App, type AppSource } from '../runtime/jobs/app.ts'
import { configureWith, defaultClient } from '../runtime/jobs/default-client.ts'
import type { Client } from '../runtime/jobs/client.ts'
import type { Store } from '../runtime/store/store.ts'
import { openLog } from './log.ts'

/** Flags of every command. */
export interface GlobalFlags {
  redis?: string
  namespace?: string
  config?: string
  'log-level'?: string
  /** Of commands that run for long. */
  'log-file'?: string
  json?: boolean
}

/** What a command works with. */
export interface Context {
  config: Config
  log: Logger
  client: Client
  store: Store
  source: AppSource
  json: boolean
}

/**
 * Settings and connections of one command.
 * @param flags more settings from this command's own flags, in the tree's form
 * @param makeLog of a command whose log is not standard error
 * @throws ConfigError
 */
export async function openContext(
  argv: GlobalFlags,
  flags: Parameters<typeof settings>[1] = {},
  makeLog: (config: Config) => Logger = openLog,
): Promise<Context> {
  const config = settings(argv, flags)
  handDown(argv, config)
  const log = makeLog(config)
  configureWith(config)
  const client = defaultClient()
  return { config, log, client, store: client.store, source: sourceOf(config), json: argv.json === true }
}

/** What flags say holds for the processes below, too: a job that enqueues does so in the Redis it was taken from. */
function handDown({ namespace, config }: GlobalFlags, { redis, redisSource = '' }: Config): void {
  const given = {
    RUNTIME_REDIS_URL: ['--redis', 'runtime dev'].includes(redisSource) ? redis.url : undefined,
    RUNTIME_NAMESPACE: namespace,
    RUNTIME_CONFIG: config,
  }
  for (const [name, value] of Object.entries(given)) if (value !== undefined) process.env[name] = value
}

function settings(argv: GlobalFlags, flags: NonNullable<Parameters<typeof loadConfig>[0]>['flags']): Config {
  return loadConfig({
    file: argv.config,
    flags: {
      ...flags,
      namespace: argv.namespace,
      redis: { ...(flags?.redis ?? {}), url: argv.redis },
      log: { ...(flags?.log ?? {}), level: argv['log-level'], file: argv['log-file'] },
    },
  })
}

/** Where an application's modules are. */
export function sourceOf({ root, jobs }: Config): AppSource {
  return {
    root,
    paths: jobs.paths,
    ...(jobs.preload === undefined ? {} : { preload: jobs.preload }),
    ...(jobs.hooks === undefined ? {} : { hooks: jobs.hooks }),
  }
}

/** Loads the application into this process, TypeScript included. @throws RuntimeError ERR_APP_LOAD */
export async function loadAppHere(source: AppSource): Promise<App> {
  // Commands that only read need neither.
  const [{ buildForInline }, { installLocator, locateBuilt }] = await Promise.all([
    import('../runtime/worker/launchers/fork/app-build/built-app.ts'),
    import('../runtime/worker/launchers/fork/zygote/core/built-imports.ts'),
  ])
  const build = await buildForInline(source, silentLogger)
  if (build) {
    process.once('exit', build.remove)
    process.setSourceMapsEnabled(true)
    installLocator(build.files)
    return loadApp(source, locateBuilt(build.files))
  }
  if (hasTypeScript(source)) {
    // Both: without `"type": "module"` in the application's package.json its TypeScript is CommonJS.
    const [common, esm] = await Promise.all([import('tsx/cjs/api'), import('tsx/esm/api')])
    common.register()
    esm.register()
  }
  return loadApp(source)
}
