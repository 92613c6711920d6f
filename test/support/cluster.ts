import type { Redis } from 'ioredis'
import { freePort, startRedis, type TestRedis } from './redis.ts'
import { eventually } from './wait.ts'

const SLOTS = 16_384
const PATIENCE = { timeoutMs: 30_000, intervalMs: 20 }

/** A server of a cluster. */
export interface ClusterServer {
  server: TestRedis
  client: Redis
  port: number
  id: string
}

/** A real Redis Cluster of a test's own: three masters, and a replica of the last one. */
export class TestCluster {
  readonly masters: ClusterServer[] = []
  replica: ClusterServer | undefined

  async start(): Promise<this> {
    const all = await Promise.all(Array.from({ length: 4 }, startServer))
    this.masters.push(...all.slice(0, 3))
    const [first, , last] = this.masters
    const each = Math.ceil(SLOTS / 3)
    for (const [at, { client }] of this.masters.entries())
      await client.call('CLUSTER', 'ADDSLOTSRANGE', at * each, Math.min((at + 1) * each, SLOTS) - 1)
    for (const { port } of all.slice(1)) await first?.client.call('CLUSTER', 'MEET', '127.0.0.1', port)
    const knows = async ({ client }: ClusterServer): Promise<boolean> => {
      const info = await client.cluster('INFO')
      return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:4')
    }
    await eventually(async () => (await Promise.all(all.map(knows))).every(Boolean), PATIENCE)
    this.replica = all[3]
    await this.replica?.client.call('CLUSTER', 'REPLICATE', last?.id ?? '')
    await eventually(async () => /master_link_status:up/.test((await this.replica?.client.info()) ?? ''), PATIENCE)
    return this
  }

  /** `host:port` of each master. */
  get nodes(): string[] {
    return this.masters.map(({ port }) => `127.0.0.1:${port}`)
  }

  /** The master that serves the slot of a key. */
  async ownerOf(key: string): Promise<ClusterServer> {
    const [asked] = this.masters as [ClusterServer]
    const slot = await this.slotOf(key)
    const ranges = (await asked.client.call('CLUSTER', 'SLOTS')) as [number, number, [string, number]][]
    const port = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2][1]
    const owner = this.masters.find((master) => master.port === port)
    if (!owner) throw new Error(`no master serves slot ${slot}`)
    return owner
  }

  async slotOf(key: string): Promise<number> {
    return Number(await this.masters[0]?.client.call('CLUSTER', 'KEYSLOT', key))
  }

  /** Moves the slot of a key to a master, as `redis-cli --cluster reshard` does. @param underWay called when half of the keys have moved */
  async moveSlot(key: string, to: ClusterServer, underWay: () => Promise<void>): Promise<void> {
    const [slot, from] = [await this.slotOf(key), await this.ownerOf(key)]
    await to.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id)
    await from.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id)
    const keys = async (count: number): Promise<string[]> =>
      (await from.client.call('CLUSTER', 'GETKEYSINSLOT', slot, count)) as string[]
    const move = async (names: string[]): Promise<void> => {
      if (names.length > 0) await from.client.call('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...names)
    }
    await move(await keys(Math.ceil((await keys(100_000)).length / 2)))
    await underWay()
    for (let names = await keys(100); names.length > 0; names = await keys(100)) await move(names)
    for (const { client } of [to, from, ...this.masters]) await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id)
  }

  async stop(): Promise<void> {
    for (const { server } of [...this.masters, ...(this.replica ? [this.replica] : [])]) await server.stop()
  }
}

async function startServer(): Promise<ClusterServer> {
  // Beside it the cluster's own port, 10,000 above.
  let port = await freePort()
  while (port > 55_000) port = await freePort()
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--repl-diskless-sync-delay', '0']
  const server = await startRedis({ port, args })
  const client = server.client()
  return { server, client, port, id: String(await client.call('CLUSTER', 'MYID')) }
}
