// The servers of the comparison: Redis and PostgreSQL of its own, on unix sockets in temporary folders, removed at the end.
// Neither of them writes to disk at a commit, so that the software is compared and not the disk.
import { existsSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { startPostgres, type TestPostgres } from '../../test/support/postgres.ts'
import { startRedis, type TestRedis } from '../../test/support/redis.ts'
import type { Peer } from './peer.ts'

/** An empty place on a server for one peer. */
export interface Server {
  url: string
  /** Counts what it is asked during so much time. */
  operations(ms: number): Promise<Operations>
  /** Empties it, or leaves it. */
  release(): Promise<void>
}

/** Commands of Redis, or transactions of the database. */
export interface Operations {
  sent: number
  inScripts: number
}

export class Servers {
  #redis: Promise<TestRedis> | undefined
  #postgres: Promise<TestPostgres> | undefined

  /** @param alone a Redis that no other peer uses meanwhile */
  async place(kind: Peer['server'], alone = false): Promise<Server> {
    return kind === 'redis' ? this.#redisPlace(alone) : this.#database()
  }

  async #redisPlace(alone: boolean): Promise<Server> {
    const redis = await (alone ? startRedis() : (this.#redis ??= startRedis()))
    const client = redis.client()
    await client.flushall()
    return {
      url: redis.url,
      operations: (ms) => monitored(redis.url.replace('unix://', ''), ms),
      release: async () => {
        client.disconnect()
        if (alone) await redis.stop()
      },
    }
  }

  async #database(): Promise<Server> {
    this.#postgres ??= startPostgres({ synchronous_commit: 'off', shared_buffers: '256MB' })
    const url = await (await this.#postgres).database()
    const name = url.split('/').at(-1) ?? ''
    const client = new pg.Client(url.replace(/[^/]+$/, 'postgres'))
    client.on('error', () => undefined)
    await client.connect()
    return {
      url,
      async operations(ms) {
        const transactions = async (): Promise<number> => {
          const { rows } = await client.query<{ n: string }>(
            'select xact_commit + xact_rollback as n from pg_stat_database where datname = $1',
            [name],
          )
          return Number(rows[0]?.n)
        }
        const before = await transactions()
        await sleep(ms)
        return { sent: (await transactions()) - before, inScripts: 0 }
      },
      release: async () => {
        await client.query(`drop database ${name} with (force)`)
        await client.end()
      },
    }
  }

  async stop(): Promise<void> {
    await (await this.#redis)?.stop()
    await (await this.#postgres)?.stop()
  }
}

/** Counts what MONITOR shows. */
async function monitored(path: string, ms: number): Promise<Operations> {
  const socket = connect(path)
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  socket.write('MONITOR\r\n')
  await sleep(ms)
  socket.destroy()
  const commands = text.split('\r\n').filter((line) => /^\+[\d.]+ \[/.test(line))
  const inScripts = commands.filter((line) => /^\+[\d.]+ \[\d+ lua\]/.test(line)).length
  return { sent: commands.length - inScripts, inScripts }
}

/** The server's program: Debian keeps it off the PATH. */
export function postgresProgram(): string {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : []
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0]
  return newest === undefined ? 'postgres' : `/usr/lib/postgresql/${newest}/bin/postgres`
}
