import { searchClock } from '../../core/cursor.ts'
import { readSchedulers, type LiveScheduler } from '../limits/locks.ts'
import { keyTypes } from './key-types.generated.ts'
import { wrongType } from './shown.ts'
import { globLiteral, type Connection } from './connection.ts'
import { placeName } from './redis.ts'

/** What `runtime doctor` asks of the server itself. */
export interface ServerHealth {
  /** `Redis`, or `Valkey`, whose `redis_version` is that of the Redis that it is compatible with. */
  engine: string
  version: string
  maxmemoryPolicy: string
  maxmemoryBytes: number
  usedMemoryBytes: number
  appendonly: boolean
  /** It saves snapshots, though it keeps no append-only file. */
  snapshots: boolean
  role: string
  /** Where it is, without user and password, and what names it (`REDIS_URL`); undefined for the default address. */
  place: string
  source: string | undefined
  /** False when it may not be asked (ACL, a hosted Redis): then the settings above are guesses. */
  configKnown: boolean
}

/** One key and its size. */
export interface KeySize {
  name: string
  bytes: number
  ttlSeconds: number
}

/** The scan looks at this many keys at most: a sample is enough to see what grows. */
const maxKeys = 20_000
/** Questions for the time: the fastest answer is the most exact. */
const clockLooks = 5

/** The server and its keys, as a whole. */
export class Health {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Settings on which the promises rest. */
  async server(): Promise<ServerHealth> {
    return this.#connection.ask(async (redis) => {
      const info = await redis.info()
      const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? ''
      const setting = async (name: string): Promise<string | undefined> =>
        ((await redis.config('GET', name).catch(() => [])) as string[])[1]
      const save = await setting('save')
      const valkey = field('valkey_version')
      return {
        place: placeName(this.#connection.settings),
        source: this.#connection.settings.source,
        engine: valkey === '' ? 'Redis' : 'Valkey',
        version: valkey || field('redis_version'),
        maxmemoryPolicy: field('maxmemory_policy'),
        maxmemoryBytes: Number(field('maxmemory')),
        usedMemoryBytes: Number(field('used_memory')),
        appendonly: field('aof_enabled') === '1',
        snapshots: save !== undefined && save !== '',
        role: field('role'),
        configKnown: save !== undefined,
      }
    })
  }

  /** How far the clock of Redis is ahead of this machine's, as seen in the fastest of a few round trips. */
  async clock(): Promise<{ aheadMs: number; roundTripMs: number }> {
    return this.#connection.ask(async (redis) => {
      const looks: { aheadMs: number; roundTripMs: number }[] = []
      for (let round = 0; round < clockLooks; round += 1) {
        const sentAt = Date.now()
        const startedAt = performance.now()
        const [seconds, micros] = await redis.time()
        const roundTripMs = performance.now() - startedAt
        looks.push({
          aheadMs: Number(seconds) * 1000 + Number(micros) / 1000 - (sentAt + roundTripMs / 2),
          roundTripMs,
        })
      }
      return looks.sort((a, b) => a.roundTripMs - b.roundTripMs)[0]!
    })
  }

  /** Who leads, and for how much longer; undefined without a leader. @param lockPrefix as in LockOwner */
  async leader(lockPrefix: string): Promise<{ owner: string; ttlMs: number } | undefined> {
    return this.#connection.ask(async (redis, keys) => {
      const key = keys.schedulerLock(lockPrefix)
      const [owner, ttlMs] = await Promise.all([redis.get(key), redis.pttl(key)])
      return owner === null ? undefined : { owner, ttlMs }
    })
  }

  /** The schedulers of this runtime that are alive. */
  async schedulers(): Promise<LiveScheduler[]> {
    return readSchedulers(await this.#connection.ask((redis, keys) => redis.zrange(keys.schedulers(), '0', '99')))
  }

  /** The scheduler of node-resque that leads beside the holder of the lock; undefined when there is none. */
  async nodeLeader(): Promise<string | undefined> {
    return (await this.#connection.ask((redis, keys) => redis.get(keys.nodeSchedulerLock()))) ?? undefined
  }

  /** True when `pause-all-workers` says so, as Resque reads it. */
  async pausedAll(): Promise<boolean> {
    const word = await this.#connection.ask((redis, keys) => redis.get(keys.pauseAll()))
    return word?.trim().toLowerCase() === 'true'
  }

  /** Keys without a parameter that hold another type than theirs, in a sentence each. */
  async wrongTypes(): Promise<string[]> {
    const { prefix } = this.#connection.keys
    const names = Object.keys(keyTypes)
    const types = await this.#connection.ask((redis) => Promise.all(names.map((name) => redis.type(prefix + name))))
    return names.flatMap((name, i) => {
      const type = types[i] ?? 'none'
      return ['none', keyTypes[name]].includes(type) ? [] : [wrongType(prefix + name, type, prefix)]
    })
  }

  /**
   * The largest keys of the namespace, of at most {@link maxKeys} looked at.
   * @param mostMs after so long no more are looked at
   */
  async largestKeys(count: number, mostMs?: number): Promise<{ keys: KeySize[]; looked: number; complete: boolean }> {
    return this.#connection.ask(async (redis, names) => {
      const pattern = `${globLiteral(names.prefix)}*`
      const sizes: KeySize[] = []
      const isLate = searchClock(mostMs)
      let [cursor, looked] = ['0', 0]
      do {
        const [next, found] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 500)
        cursor = next
        looked += found.length
        const bytes = await Promise.all(found.map((key) => redis.memory('USAGE', key)))
        sizes.push(
          ...found.map((key, i) => ({
            name: key.slice(names.prefix.length),
            bytes: Number(bytes[i]),
            ttlSeconds: 0,
          })),
        )
        sizes.sort((a, b) => b.bytes - a.bytes).splice(count)
      } while (cursor !== '0' && looked < maxKeys && !isLate())
      const ttls = await Promise.all(sizes.map(({ name }) => redis.ttl(names.prefix + name)))
      return { keys: sizes.map((size, i) => ({ ...size, ttlSeconds: ttls[i]! })), looked, complete: cursor === '0' }
    })
  }

  /** The place of an item in its queue, from 1; undefined when it is not among the first hundred thousand. */
  async placeInQueue(queue: string, item: string): Promise<number | undefined> {
    const at = await this.#connection.ask((redis, keys) => redis.lpos(keys.queue(queue), item, 'MAXLEN', 100_000))
    return at === null ? undefined : Number(at) + 1
  }
}
