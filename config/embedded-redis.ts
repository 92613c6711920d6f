import { library } from './library.ts'
import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A unix socket's address holds 108 bytes on Linux and 104 on macOS, one of them the closing zero. */
const LONGEST_SOCKET_PATH = 103

/** Where `runtime dev` keeps its Redis, under the application's root. */
export const EMBEDDED_FOLDER = '.runtime/redis'
/** In that folder: the process id of the `runtime dev` that owns it. */
export const OWNER_FILE = 'owner'

/** The URL of the private Redis that a `runtime dev` keeps running for this application now; undefined without one. */
export function findEmbeddedRedis(root: string): string | undefined {
  const folder = join(root, EMBEDDED_FOLDER)
  const socket = socketPath(folder)
  return existsSync(socket) && isAlive(ownerOf(folder)) ? urlOf(socket) : undefined
}

/** In the folder itself, or, where its path is too long for a socket, in a folder of this user's under the system's own. */
export function socketPath(folder: string): string {
  const inside = join(folder, 'redis.sock')
  if (Buffer.byteLength(inside) <= LONGEST_SOCKET_PATH) return inside
  const hash = library('node:crypto').createHash('sha256').update(folder).digest('hex').slice(0, 12)
  const short = join(`resque-runtime-${process.getuid?.() ?? 0}-${hash}`, 'redis.sock')
  const candidates = [tmpdir(), '/tmp'].map((base) => join(base, short))
  return candidates.find((path) => Buffer.byteLength(path) <= LONGEST_SOCKET_PATH) ?? join('/tmp', short)
}

/** As text of a URL; `%`, `?` and `#` in a folder's name must not be read as more than a name. */
export const urlOf = (socket: string): string => `unix://${socket.split('/').map(encodeURIComponent).join('/')}`

/** True for a process that runs, whoever owns it. */
export function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function ownerOf(folder: string): number {
  try {
    return Number.parseInt(readFileSync(join(folder, OWNER_FILE), 'utf8'), 10)
  } catch {
    return 0
  }
}
