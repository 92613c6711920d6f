import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline/promises'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { startAll, stopAll } from '../../runtime/core/service.ts'
import { title } from '../../runtime/worker/titles.ts'
import { hashPassword } from '../../web/security/password.ts'
import { isLoopback } from '../../web/security/origin.ts'
import { dashboard } from '../../web/index.ts'
import { command } from '../command.ts'
import type { Context } from '../context.ts'
import { logFileFlag, openServiceLog } from '../log.ts'
import { line } from '../output.ts'
import { makeMetricsServer } from '../metrics.ts'
import { onSignals } from '../signals.ts'

interface WebFlags {
  host?: string
  port?: string
  'hash-password'?: boolean
}

const stop = { SIGTERM: undefined, SIGINT: undefined, SIGQUIT: undefined, SIGHUP: undefined }

/** `runtime web`: the dashboard on a port of its own. */
export const webCommand = command<WebFlags>({
  example: ['web --port 5678', 'then open http://127.0.0.1:5678'],
  flags: (yargs) =>
    yargs
      .options(logFileFlag)
      .option('host', { type: 'string', describe: 'Address to listen on (127.0.0.1); any other needs a login' })
      .option('port', { type: 'string', describe: 'Port to listen on (5678); 0 for any free port' })
      .option('hash-password', { type: 'boolean', describe: 'Read a password and print its hash for web.users' }),
  log: (config) => openServiceLog(config),
  settings: ({ host, port }) => ({ web: { host, port } }),
  run: async (context, { 'hash-password': hash }) => (hash ? printHash() : serveUntilStopped(context)),
})

async function printHash(): Promise<void> {
  if (process.stdin.isTTY) process.stderr.write('Password: ')
  const reader = createInterface({ input: process.stdin })
  const { value: password = '' } = (await reader[Symbol.asyncIterator]().next()) as { value?: string }
  reader.close()
  if (password.length < 8)
    throw new RuntimeError(
      'ERR_USAGE',
      `--hash-password: expected a password of at least 8 characters on standard input, got ${password.length}`,
    )
  line(await hashPassword(password))
}

async function serveUntilStopped(context: Context): Promise<void> {
  const { config, store, log } = context
  const { host, port, users, userHeader } = config.web
  const hasLogin = users !== undefined || userHeader !== undefined
  if (!hasLogin && !isLoopback(host))
    throw new RuntimeError(
      'ERR_CONFIG',
      `expected a login to listen on ${host}, which others reach: set web.users (\`runtime web --hash-password\` makes a hash) or web.userHeader, or listen on 127.0.0.1`,
    )
  process.title = title('Dashboard')
  let leave = (): void => undefined
  const left = new Promise<void>((resolve) => (leave = resolve))
  const off = onSignals(stop, leave)
  const { services: metrics } = await makeMetricsServer(context, {
    kind: 'web',
    facts: () => ({}),
    notReady: () => undefined,
    isExporter: () => true,
  })
  const { node } = dashboard({ ...config.web, open: !hasLogin, store, config, log })
  const server = createServer((request, response) => void node(request, response))
  try {
    await startAll(metrics)
    await listen(server, host, port)
    const { address, family, port: given } = server.address() as AddressInfo
    log.info(`dashboard: http://${family === 'IPv6' ? `[${address}]` : address}:${given}/`)
    await left
  } finally {
    await stopAll(metrics)
    server.closeAllConnections()
    server.close()
    off()
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host)
  await once(server, 'listening').catch((error: Error) => {
    throw new RuntimeError(
      'ERR_CONFIG',
      `cannot listen on ${host}:${port}: ${error.message}; set web.host and web.port, or --port 0 for any free port`,
    )
  })
}
