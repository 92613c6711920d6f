import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import { RuntimeError, toError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Service } from '../core/service.ts'

/** What a metrics server serves. */
export interface MetricsServerOptions {
  host: string
  /** 0: any free port. */
  port: number
  /** Asked for as `Authorization: Bearer <token>` by `/metrics`; health is never secret. */
  token?: string | undefined
  registry: Registry
  /** Why this process is not ready for work; undefined when it is. */
  notReady: () => Promise<string | undefined>
  log: Logger
}

/** Milliseconds that an answer may take; Prometheus gives up after ten seconds by default. */
const answerMs = 5000

/**
 * Serves `/metrics` (Prometheus text), `/healthz` (the process's event loop answers) and `/readyz` (it can do its work; else 503
 * with the reason as text).
 */
export class MetricsServer implements Service {
  readonly name = 'metrics server'
  readonly #options: MetricsServerOptions
  #server: Server | undefined

  constructor(options: MetricsServerOptions) {
    this.#options = options
  }

  /** The port it listens on. */
  get port(): number {
    return (this.#server?.address() as AddressInfo | null)?.port ?? 0
  }

  /** @throws RuntimeError ERR_CONFIG when the port cannot be had */
  async start(): Promise<void> {
    const { host, port, log } = this.#options
    const server = createServer((request, response) => void this.#answer(request, response))
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(cannotListen(host, port, error)))
      server.listen(port, host, resolve)
    })
    server.unref()
    this.#server = server
    log.info(`metrics at http://${host.includes(':') ? `[${host}]` : host}:${this.port}/metrics`)
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = (status: number, text: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
      response.end(request.method === 'HEAD' ? undefined : text)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return reply(405, 'expected GET\n')
    const path = (request.url ?? '').split('?')[0]
    try {
      if (path === '/healthz') reply(200, 'ok\n')
      else if (path === '/readyz') {
        const why = await inTime(this.#options.notReady())
        reply(why === undefined ? 200 : 503, `${why ?? 'ready'}\n`)
      } else if (path !== '/metrics') reply(404, 'expected /metrics, /healthz or /readyz\n')
      else if (!this.#isAllowed(request)) {
        response.setHeader('www-authenticate', 'Bearer')
        reply(401, 'expected Authorization: Bearer with the token of metrics.token\n')
      } else reply(200, await inTime(this.#options.registry.metrics()), this.#options.registry.contentType)
    } catch (error) {
      reply(503, `${toError(error).message}\n`)
    }
  }

  #isAllowed({ headers }: IncomingMessage): boolean {
    const { token } = this.#options
    const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
    return token === undefined || timingSafeEqual(digest(headers.authorization ?? ''), digest(`Bearer ${token}`))
  }
}

function cannotListen(host: string, port: number, error: Error): RuntimeError {
  return new RuntimeError(
    'ERR_CONFIG',
    `metrics.port: expected an address that is free, ${host}:${port} cannot be used: ${error.message}; set another metrics.port`,
    { cause: error },
  )
}

/** @throws Error when an answer takes too long, such as while Redis is away */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${answerMs} ms; is Redis there?`)), answerMs)
  })
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}
