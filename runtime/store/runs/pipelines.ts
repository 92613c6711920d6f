import type { Connection } from '../connection/connection.ts'

/** How many versions of a pipeline are kept. */
const versionsKept = 50
/** How many run requests are kept, and for how long at the most. */
const requestsKept = 10_000
const requestTtlMs = 90 * 86_400_000

/** What became of a run request. */
export type RequestStatus = 'Pending' | 'Accepted' | 'Rejected'

/**
 * A wish to run a pipeline.
 * @example
 * ```ts
 * const show = ({ id, status, reason }: RunRequest) => `${id}: ${status} ${reason ?? ''}`
 * ```
 */
export interface RunRequest {
  /** The request's id; the run has another. */
  id: string
  /** The name of the pipeline. */
  pipeline: string
  /** The step to begin with; the first one of the pipeline by default. */
  first: string | undefined
  /** The run's instance number. */
  instance: number
  /** JSON text of the run's own parameters. */
  params: string
  /** Who asked: `cli`, `api`, `schedule nightly`. */
  by: string
  /** `Pending` until a worker or scheduler has decided. */
  status: RequestStatus
  /** Why it was rejected. */
  reason: string | undefined
  /** The run that it became. */
  run: string | undefined
  /** Milliseconds since 1970. */
  requestedAtMs: number
  /** When it was accepted or rejected. */
  decidedAtMs: number | undefined
}

/** One move of a node of a run with a history. */
export interface NodeMove {
  index: number
  /** A node's state, or `attempt_failed`. */
  to: string
  atMs: number
  /** When it is due, where it is delayed. */
  dueMs: number | undefined
}

/** Pipelines in Redis: their steps by version, their parameters, and the requests to run them. */
export class PipelineStore {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Stores a definition (JSON text). @returns its version, and whether it is a new one */
  async load(name: string, definition: string): Promise<{ version: number; isNew: boolean }> {
    const reply = await this.#connection.run('pipeline-load', { name, definition, kept: versionsKept })
    const [version, word] = reply as [number, string]
    return { version: Number(version), isNew: word === 'new' }
  }

  /** Removes a pipeline, its versions and its parameters. @returns the run under way that keeps it from that, else whether it was there */
  async remove(name: string): Promise<{ run: string } | { removed: boolean }> {
    const [word, run = ''] = (await this.#connection.run('pipeline-remove', { name })) as string[]
    return word === 'running' ? { run } : { removed: word === 'ok' }
  }

  /** Latest version by name. */
  async names(): Promise<Map<string, number>> {
    const all = await this.#connection.ask((redis, keys) => redis.hgetall(keys.pipelines()))
    return new Map(
      Object.entries(all)
        .map(([name, version]): [string, number] => [name, Number(version)])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    )
  }

  /** A definition's JSON text, the latest version by default; undefined when there is none. */
  async definition(name: string, version?: number): Promise<{ version: number; text: string } | undefined> {
    return this.#connection.ask(async (redis, keys) => {
      const wanted = version ?? Number((await redis.hget(keys.pipelines(), name)) ?? 0)
      const text = wanted > 0 ? await redis.hget(keys.pipeline(name), String(wanted)) : null
      return text === null ? undefined : { version: wanted, text }
    })
  }

  /** Versions that are kept, oldest first. */
  async versions(name: string): Promise<number[]> {
    const versions = await this.#connection.ask((redis, keys) => redis.hkeys(keys.pipeline(name)))
    return versions.map(Number).sort((a, b) => a - b)
  }

  /** Parameters that were set, JSON texts: `''` is the pipeline itself, else a step's name. */
  async params(name: string): Promise<Map<string, Map<string, string>>> {
    const fields = await this.#connection.ask((redis, keys) => redis.hgetall(keys.pipelineParams(name)))
    const params = new Map<string, Map<string, string>>()
    for (const [field, text] of Object.entries(fields)) {
      const slash = field.indexOf('/')
      const step = field.slice(0, slash)
      params.set(step, (params.get(step) ?? new Map<string, string>()).set(field.slice(slash + 1), text))
    }
    return params
  }

  /** Sets a parameter (JSON text), or takes it away. @param step `''` for the pipeline itself */
  async setParam(name: string, step: string, key: string, text: string | undefined): Promise<boolean> {
    const field = `${step}/${key}`
    return this.#connection.ask(async (redis, keys) => {
      if (text === undefined) return (await redis.hdel(keys.pipelineParams(name), field)) === 1
      await redis.hset(keys.pipelineParams(name), field, text)
      return true
    })
  }

  /** Writes a request, pending, unless there is one with its id. */
  async request(
    request: Pick<RunRequest, 'id' | 'pipeline' | 'first' | 'instance' | 'params' | 'by'>,
    nowMs: number,
  ): Promise<void> {
    const { id, first, ...rest } = request
    const fields = Object.entries({ ...rest, ...(first === undefined ? {} : { first }) }).flat()
    await this.#connection.run('pipeline-request', { id, now: nowMs, max: requestsKept, ttlMs: requestTtlMs }, fields)
  }

  async findRequest(id: string): Promise<RunRequest | undefined> {
    const fields = await this.#connection.ask((redis, keys) => redis.hgetall(keys.pipelineRequest(id)))
    return fields.status === undefined ? undefined : readRequest(id, fields)
  }

  /**
   * Requests, newest first, after the one with the ID `after`. A request past its time to live is left out.
   * @returns also the last ID that was looked at: undefined at the end, and where `after` is not kept any more
   */
  async requests(count: number, after?: string): Promise<{ requests: RunRequest[]; last: string | undefined }> {
    const ids = await this.#connection.ask(async (redis, keys) => {
      const key = keys.pipelineRequests()
      const rank = after === undefined ? -1 : await redis.zrevrank(key, after)
      return rank === null ? [] : redis.zrevrange(key, rank + 1, rank + count)
    })
    const found = await Promise.all(ids.map((id) => this.findRequest(id)))
    return {
      requests: found.filter((request) => request !== undefined),
      last: ids.length < count ? undefined : ids.at(-1),
    }
  }

  /** Requests that wait for a decision. */
  async pending(): Promise<string[]> {
    return this.#connection.ask((redis, keys) => redis.smembers(keys.pipelinePending()))
  }

  /**
   * Decides about a request, once: starts the created run `run`, or, with a reason, rejects it.
   * @returns `decided` when it was decided before, `overlap` when the instance turned out to be running
   */
  async decide(
    id: string,
    decision: { run?: string; reason?: string },
    nowMs: number,
  ): Promise<'accepted' | 'rejected' | 'overlap' | 'decided' | 'gone'> {
    const { run = '', reason = '' } = decision
    return (await this.#connection.run('pipeline-decide', { request: id, id: run, now: nowMs, reason })) as 'accepted'
  }

  /** The run that holds a unique name, or undefined. */
  async holder(unique: string): Promise<string | undefined> {
    return (await this.#connection.ask((redis, keys) => redis.get(keys.runUnique(unique)))) ?? undefined
  }

  /** What a run's nodes went through, in order. */
  async moves(runId: string): Promise<NodeMove[]> {
    const rows = await this.#connection.ask((redis, keys) => redis.lrange(keys.runMoves(runId), 0, -1))
    return rows.map((row) => {
      const [index, to = '', at, due] = row.split(' ')
      return { index: Number(index), to, atMs: Number(at), dueMs: due ? Number(due) : undefined }
    })
  }
}

function readRequest(id: string, fields: Record<string, string>): RunRequest {
  return {
    id,
    pipeline: fields.pipeline ?? '',
    first: fields.first,
    instance: Number(fields.instance ?? 1),
    params: fields.params ?? '{}',
    by: fields.by ?? '',
    status: fields.status as RequestStatus,
    reason: fields.reason === '' ? undefined : fields.reason,
    run: fields.run,
    requestedAtMs: Number(fields.requested_at ?? 0),
    decidedAtMs: fields.decided_at === undefined ? undefined : Number(fields.decided_at),
  }
}
