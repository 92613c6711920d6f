/**
 * The dashboard, for an application's own server.
 * @module resque-runtime/web
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { createLogger } from '../runtime/core/logger.ts'
import { defaultClient, defaultConfig } from '../runtime/jobs/default-client.ts'
import { Server } from './server.ts'
import { settingsOf, type DashboardOptions } from './settings.ts'

export type { DashboardOptions } from './settings.ts'
export type { User } from './security/tokens.ts'
export { hashPassword } from './security/password.ts'

/**
 * The dashboard, to be put into an application's own server.
 * @example
 * ```ts
 * const board: Dashboard = dashboard({ users: ['ada:operator:scrypt$32768$8$3$...'] })
 * const response = await board.fetch(new Request('http://localhost/'))
 * ```
 */
export interface Dashboard {
  /** For servers that speak `Request` and `Response`: Hono, Next, Bun and the like. */
  fetch: (request: Request) => Promise<Response>
  /** For Node's own server, Express and Fastify. */
  node: (request: IncomingMessage, response: ServerResponse) => Promise<void>
}

/**
 * The dashboard as a handler of requests. It is as good at any path; `basePath` says which, unless the server strips it.
 * @throws RuntimeError ERR_CONFIG where no way to sign in is given, or more than one; see {@link DashboardOptions}
 * @example
 * ```ts
 * const board = dashboard({
 *   basePath: '/admin/jobs',
 *   authorize: (request) =>
 *     request.headers.get('x-admin') === 'secret' ? { name: 'ada', role: 'operator' } : undefined,
 * })
 * createServer(board.node).listen(3000)
 * ```
 */
export function dashboard(options: DashboardOptions = {}): Dashboard {
  const config = options.config ?? defaultConfig()
  const store = options.store ?? defaultClient().store
  const log =
    options.log ?? createLogger({ level: config.log.level, format: config.log.format === 'text' ? 'text' : 'json' })
  const settings = settingsOf(options, store, config, log)
  const server = new Server(settings)
  return {
    fetch: (request) => server.fetch(request),
    node: getRequestListener(
      async (request, env) => {
        const incoming = 'incoming' in env ? (env.incoming as IncomingMessage & { originalUrl?: string }) : undefined
        // Express strips the path where it mounts a handler; relative addresses need the last slash of the whole one.
        const isBare = settings.basePath !== '' && incoming?.originalUrl?.replace(/\?.*/, '') === settings.basePath
        if (isBare) return new Response(null, { status: 303, headers: { location: `${settings.basePath}/` } })
        const peer = incoming?.socket.remoteAddress
        return server.fetch(request, peer === undefined ? {} : { peer })
      },
      { overrideGlobalObjects: false },
    ),
  }
}
