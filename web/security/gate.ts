import { head } from '../../config/clip.ts'
import type { Access } from '../settings.ts'
import { hostName, isLoopback } from './origin.ts'
import type { Tokens, User } from './tokens.ts'

export const sessionCookie = 'rt-session'

/** What a request says of who sent it. */
export interface Credentials {
  request: Request
  cookie: string | undefined
  /** The address of the connection's other side; undefined where the server does not say. */
  peer: string | undefined
}

/** A session is good with the browser that it was made for, and ends when the user's password changes. */
export const boundTo = ({ users }: Extract<Access, { kind: 'login' }>, name: string, { headers }: Request): string =>
  `${users.get(name)?.hash}\0${headers.get('user-agent')}`

/** Who a request is from; undefined for no one. */
export async function identify(
  access: Access,
  tokens: Tokens,
  credentials: Credentials,
  nowMs: number,
): Promise<User | undefined> {
  const { request, cookie, peer } = credentials
  switch (access.kind) {
    case 'login': {
      const name = tokens.readSession(cookie, nowMs, (of) => boundTo(access, of, request))
      // A user who was taken out of the configuration, or given another role, is so at once.
      const known = name === undefined ? undefined : access.users.get(name)
      return known && { name: name ?? '', role: known.role }
    }
    case 'header': {
      const name = request.headers.get(access.name)
      if (name === null || name === '' || peer === undefined || !access.proxies.includes(peer)) return undefined
      return { name: head(name, 200), role: access.operators.includes(name) ? 'operator' : 'viewer' }
    }
    case 'callback':
      return access.authorize(request)
    case 'open':
      // A name that another site points at this machine (DNS rebinding) is no name of this machine.
      return isLoopback(hostName(request.headers.get('host') ?? '')) ? { name: 'local', role: 'operator' } : undefined
  }
}
