import type pg from 'pg'
import { backoffMs, type Clock } from '../core/clock.ts'
import { hasCode, withCode } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { Loop, type Service } from '../core/service.ts'
import type { RunRequest } from '../store/runs/pipelines.ts'
import { checkSchema, explainPostgres, openPool, postgresPauses } from './postgres.ts'

/** A row of `runtime_archive.run_request` that waits for a decision; its `request_id` is the id of the request in Redis, too. */
export type RequestRow = Pick<RunRequest, 'id' | 'pipeline' | 'first' | 'instance' | 'params'>

/** What became of a request. */
type Decision = Pick<RunRequest, 'status' | 'reason' | 'run' | 'decidedAtMs'>

/** What a {@link RunRequests} needs. */
export interface RunRequestsOptions {
  /** `postgres://…` */
  url: string
  namespace: string
  clock: Clock
  log: Logger
  /** True while this process may decide. */
  leads: () => boolean
  /**
   * Writes the request under its id, unless it is there, and decides it, unless it is decided.
   * @throws RuntimeError ERR_ARGUMENT, ERR_NOT_JSON for a row that can be no request; other errors leave the row pending
   */
  decide: (row: RequestRow) => Promise<Decision>
  /** Pause between two looks, in ms. */
  pauseMs?: number
}

/** Rows of one look. */
const batch = 100

/**
 * Decides run requests that were written with SQL, and writes the decision into their rows. The row's id is the id of the
 * request in Redis, where it is written and decided once: a crash at any moment, and two processes at once, repeat steps
 * that change nothing.
 */
export class RunRequests implements Service {
  readonly name = 'run requests'
  readonly #options: RunRequestsOptions
  readonly #loop: Loop
  #pool: pg.Pool | undefined
  #failures = 0
  #trouble = ''

  constructor(options: RunRequestsOptions) {
    const { clock, log, pauseMs = 2000 } = options
    this.#options = options
    this.#loop = new Loop({ name: this.name, clock, log, intervalMs: pauseMs, tick: () => this.#tick() })
  }

  async start(): Promise<void> {
    await this.#loop.start()
  }

  async stop(): Promise<void> {
    await this.#loop.stop()
    await this.#pool?.end()
    this.#pool = undefined
  }

  async #tick(): Promise<number | undefined> {
    if (!this.#options.leads()) return undefined
    try {
      const decided = await this.#decideRows((this.#pool ??= openPool(this.#options.url)))
      this.#say('')
      this.#failures = 0
      return decided === batch ? 0 : undefined
    } catch (error) {
      this.#failures += 1
      this.#say(withCode(hasCode(error, 'ERR_REDIS') ? error : explainPostgres(error)))
      return backoffMs(postgresPauses, this.#failures)
    }
  }

  /** @returns how many rows it decided */
  async #decideRows(pool: pg.Pool): Promise<number> {
    await checkSchema(pool)
    const { rows } = await pool.query<RequestRow>(
      `select request_id as id, pipeline, job as first, jobinstance as instance, params::text as params
      from runtime_archive.run_request where namespace = $1 and status = 'Pending'
      order by requested_at, request_id limit ${batch}`,
      [this.#options.namespace],
    )
    let count = 0
    for (const row of rows) {
      if (!this.#options.leads()) return count
      const decided = await this.#decide(row)
      if (!decided) continue
      count += 1
      const { status, reason, run, decidedAtMs } = decided
      await pool.query(
        `update runtime_archive.run_request
        set status = $2, reason = $3, run_id = $4, decided_at = to_timestamp($5 / 1000.0)
        where request_id = $1 and status = 'Pending'`,
        [row.id, status, reason, run, decidedAtMs],
      )
    }
    return count
  }

  async #decide(row: RequestRow): Promise<Decision | undefined> {
    const { decide, clock, log } = this.#options
    try {
      return await decide({ ...row, first: row.first ?? undefined })
    } catch (error) {
      if (hasCode(error, 'ERR_REDIS')) throw error
      if (hasCode(error, 'ERR_ARGUMENT') || hasCode(error, 'ERR_NOT_JSON'))
        return { status: 'Rejected', reason: error.message, run: undefined, decidedAtMs: clock.now() }
      // The others must not wait for it.
      log.error(`run request ${row.id}: ${withCode(error)}; it stays pending`)
      return undefined
    }
  }

  /** Logs trouble once, and once that it is over. */
  #say(trouble: string): void {
    if (trouble === this.#trouble) return
    this.#trouble = trouble
    if (trouble === '') this.#options.log.info('run requests: PostgreSQL is read again')
    else this.#options.log.warn(`run requests: ${trouble}`)
  }
}
