import type { Socket } from 'node:net'
import type { RedisOptions } from 'ioredis'
import { systemClock, withBackoff } from '../../core/clock.ts'
import { library } from '../../../config/library.ts'

/** A node of a cluster. */
export interface ClusterNode {
  host: string
  port: number
}

/** What the connector needs. */
export interface ClusterOptions {
  nodes: readonly ClusterNode[]
  /** The namespace with its colon: all its keys lie in the slot of this one, by its hash tag. */
  prefix: string
  connectTimeoutMs: number
  username?: string | undefined
  password?: string | undefined
  tls?: RedisOptions['tls']
}

type Emit = (event: 'error', error: Error) => void

const pauses = { firstMs: 100, mostMs: 2000 }

/** The replies of a node that does not serve the slot: nothing was done, and another node, or the same one soon, does it. */
export const isMoved = (message: string): boolean => /^(?:MOVED|ASK|TRYAGAIN|CLUSTERDOWN)\b/.test(message)

/**
 * Leads an ordinary connection to the master that serves a namespace's slot. All keys of a namespace have one hash tag, so
 * all of it is on one master, and scripts, transactions and SCAN work as on a single Redis. After a failover, or when the slot
 * has moved, the connection is made again and finds the new master.
 * @returns what ioredis makes for each connection
 */
export function clusterConnector(options: ClusterOptions): NonNullable<RedisOptions['Connector']> {
  const { connectTimeoutMs, tls } = options
  return class extends library('ioredis').AbstractConnector {
    readonly #nodes = new ClusterNodes(options)
    #ended: Socket | undefined

    constructor() {
      super(connectTimeoutMs)
    }

    /** Tries until a master is found, or the connection is closed. */
    override async connect(emit: Emit): Promise<Socket> {
      this.connecting = true
      const attempt = async (): Promise<Socket> => {
        const master = await this.#nodes.findMaster()
        if (!this.connecting) throw new Error('Connection is closed.')
        const socket = tls
          ? library('node:tls').connect({ ...master, ...tls })
          : library('node:net').createConnection({ ...master })
        this.stream = socket
        return socket
      }
      return withBackoff(systemClock, pauses, attempt, (error) => {
        if (!this.connecting) throw error
        emit('error', error as Error)
      })
    }

    /** Once for each socket: each reply that says that the slot has moved would have it ended. */
    override disconnect(): void {
      this.connecting = false
      const socket = this.stream as Socket | undefined
      if (!socket || socket === this.#ended) return
      this.#ended = socket
      super.disconnect()
    }
  }
}

class ClusterNodes {
  readonly #options: ClusterOptions
  /** Those that were named, then those that the cluster has told. */
  #nodes: readonly ClusterNode[]

  constructor(options: ClusterOptions) {
    this.#options = options
    this.#nodes = options.nodes
  }

  /** Asks one node after another who serves the slot. @throws what the last one said */
  async findMaster(): Promise<ClusterNode> {
    let fault = new Error('no node of the cluster is named')
    for (const node of this.#nodes) {
      try {
        return await this.#ask(node)
      } catch (error) {
        fault = error as Error
      }
    }
    throw fault
  }

  async #ask(node: ClusterNode): Promise<ClusterNode> {
    const { prefix, connectTimeoutMs, username, password, tls, nodes } = this.#options
    const redis = new (library('ioredis').Redis)({
      ...node,
      username,
      password,
      ...(tls ? { tls } : {}),
      ...{ lazyConnect: true, enableReadyCheck: false, maxRetriesPerRequest: 0, retryStrategy: () => null },
      ...{ connectTimeout: connectTimeoutMs, commandTimeout: connectTimeoutMs },
    })
    let refused: Error | undefined
    redis.on('error', (error) => (refused = error))
    try {
      await redis.connect()
      const slot = Number(await redis.call('CLUSTER', 'KEYSLOT', prefix))
      const ranges = (await redis.call('CLUSTER', 'SLOTS')) as [number, number, ...[string | null, number][]][]
      const told = ranges.flatMap(([, , ...all]) => all.map((one) => addressOf(one, node)))
      this.#nodes = [...told, ...nodes]
      const owner = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2]
      if (!owner) throw new Error(`CLUSTERDOWN no master serves slot ${slot}`)
      return addressOf(owner, node)
    } catch (error) {
      throw refused ?? error
    } finally {
      redis.disconnect()
    }
  }
}

/** A node that does not know its own address, or shall not say it, has the one by which it was reached. */
const addressOf = ([host, port]: [string | null, number], asked: ClusterNode): ClusterNode => ({
  host: host === null || host === '' || host === '?' ? asked.host : host,
  port,
})
