import { formatBytes } from '../../core/size.ts'
import type { Store } from '../../store/store.ts'
import { bad, fine, note, type Finding } from './finding.ts'

/** What the promises need of the server's settings. */
export async function redisFindings(store: Store): Promise<Finding[]> {
  const server = await store.health.server()
  const { maxmemoryPolicy, maxmemoryBytes, usedMemoryBytes } = server
  const findings = [
    fine(
      `${server.engine} ${server.version} at ${server.place}${server.source === undefined ? '' : ` (${server.source})`}, ${server.role}, ${formatBytes(usedMemoryBytes)} used${maxmemoryBytes > 0 ? ` of ${formatBytes(maxmemoryBytes)}` : ''}; maxmemory-policy ${maxmemoryPolicy}, ${server.appendonly ? 'append-only file' : server.snapshots ? 'snapshots only' : 'nothing on disk'}`,
    ),
  ]
  if (!server.configKnown)
    findings.push(note('CONFIG GET is not allowed here: whether snapshots are saved is not known'))
  if (server.role !== 'master')
    findings.push(
      bad('this Redis is a replica: nothing can be written', 'point REDIS_URL at the master, or use redis.sentinel'),
    )
  if (maxmemoryPolicy !== 'noeviction')
    findings.push(
      bad(
        `maxmemory-policy is ${maxmemoryPolicy}: when memory is full, Redis removes jobs`,
        'CONFIG SET maxmemory-policy noeviction, and the same in redis.conf',
      ),
    )
  if (maxmemoryBytes > 0 && usedMemoryBytes > maxmemoryBytes * 0.9)
    findings.push(
      bad('memory is nearly full: producers will be refused', 'raise maxmemory, or see the largest keys below'),
    )
  if (!server.appendonly)
    findings.push(
      note(
        `no append-only file${server.snapshots ? ', only snapshots' : ''}: when Redis dies, ${server.snapshots ? 'what came since the last snapshot' : 'everything'} is lost`,
        'CONFIG SET appendonly yes, and the same in redis.conf (appendfsync everysec loses a second at most)',
      ),
    )
  return findings
}
