import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually } from './wait.ts'

/** Kinds of spans, as OTLP numbers them. */
export const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const

/** A span as it was exported. */
export interface Span {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: (typeof kinds)[number]
  attributes: Record<string, unknown>
  links: string[]
  /** Of an error. */
  error?: string
}

/** A point of a metric: its attributes and how many measurements or, of a counter, its value. */
export interface Point {
  name: string
  attributes: Record<string, unknown>
  count: number
}

interface Attribute {
  key: string
  value: Record<string, unknown>
}

const valuesOf = (list: Attribute[] = []): Record<string, unknown> =>
  Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]]))

/** Receives OTLP over HTTP, as JSON. */
export class OtlpReceiver {
  readonly spans: Span[] = []
  readonly points: Point[] = []
  /** How many requests were left without an answer. */
  unanswered = 0
  /** It takes requests and never answers. */
  hangs = false
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      if (this.hangs) {
        this.unanswered += 1
        return
      }
      void this.#take(request).then(() => response.setHeader('content-type', 'application/json').end('{}'))
    })
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  /** Waits for a span. */
  span(name: string, matches: (span: Span) => boolean = () => true): Promise<Span> {
    const find = (): Span | undefined => this.spans.find((span) => span.name === name && matches(span))
    return eventually(find, { timeoutMs: 20_000, what: `the span ${name}` })
  }

  async #take(request: IncomingMessage): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const body = JSON.parse(Buffer.concat(parts).toString()) as Record<string, never[]>
    for (const { scopeSpans = [] } of (body['resourceSpans'] ?? []) as { scopeSpans?: { spans: never[] }[] }[])
      for (const { spans } of scopeSpans) this.spans.push(...spans.map(readSpan))
    for (const { scopeMetrics = [] } of (body['resourceMetrics'] ?? []) as { scopeMetrics?: { metrics: never[] }[] }[])
      for (const { metrics } of scopeMetrics) this.points.push(...metrics.flatMap(readPoints))
  }
}

function readSpan(span: {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  attributes?: Attribute[]
  links?: { spanId: string }[]
  status: { code?: number; message?: string }
}): Span {
  const { traceId, spanId, parentSpanId, name, kind, attributes, links = [], status } = span
  return {
    traceId,
    spanId,
    ...(parentSpanId ? { parentSpanId } : {}),
    name,
    kind: kinds[kind] ?? 'unspecified',
    attributes: valuesOf(attributes),
    links: links.map((link) => link.spanId),
    ...(status.code === 2 ? { error: status.message ?? '' } : {}),
  }
}

type RawPoint = { attributes?: Attribute[]; count?: number | string; asInt?: number | string; asDouble?: number }

function readPoints(metric: {
  name: string
  sum?: { dataPoints: RawPoint[] }
  histogram?: { dataPoints: RawPoint[] }
}): Point[] {
  const points = metric.sum?.dataPoints ?? metric.histogram?.dataPoints ?? []
  return points.map(({ attributes, count, asInt, asDouble }) => ({
    name: metric.name,
    attributes: valuesOf(attributes),
    count: Number(count ?? asInt ?? asDouble),
  }))
}
