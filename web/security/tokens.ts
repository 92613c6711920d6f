import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Who is signed in, and what that allows. An operator may change things; a viewer may only look.
 * @example
 * ```ts
 * const viewer: User = { name: 'bob', role: 'viewer' }
 * ```
 */
export interface User {
  /** Shown on each page. */
  name: string
  /** `viewer` or `operator`. */
  role: Role
}

/** Roles, the weaker one first. */
export const roles = ['viewer', 'operator'] as const
export type Role = (typeof roles)[number]

/** True when `role` includes `needed`. */
export const allows = (role: Role, needed: Role): boolean => roles.indexOf(role) >= roles.indexOf(needed)

/** Signs what browsers carry: the session's cookie and the token of forms. Purposes keep one from standing for another. */
export class Tokens {
  readonly #secret: string

  constructor(secret: string) {
    this.#secret = secret
  }

  /**
   * `<payload>.<signature>`; the payload is JSON in base64url, valid until `expiresMs`.
   * @param boundTo what the session is good with only: the browser, and the password of that time
   */
  session(name: string, expiresMs: number, boundTo: string): string {
    const payload = Buffer.from(JSON.stringify({ name, expiresMs })).toString('base64url')
    return `${payload}.${this.#sign('session', `${payload}\0${boundTo}`)}`
  }

  /** The name in a session that is signed, and not over. @param boundTo the same by the name, as it is now */
  readSession(cookie: string | undefined, nowMs: number, boundTo: (name: string) => string): string | undefined {
    const [payload = '', signature = ''] = cookie?.split('.') ?? []
    const { name, expiresMs } = readPayload(payload)
    const isSigned = same(signature, this.#sign('session', `${payload}\0${boundTo(name)}`))
    return isSigned && expiresMs > nowMs ? name : undefined
  }

  /** The token that each form of a page carries. @param holder the session's cookie, or the user's name where there is none */
  csrf(holder: string): string {
    return this.#sign('csrf', holder)
  }

  isCsrf(token: string, holder: string): boolean {
    return same(token, this.csrf(holder))
  }

  #sign(purpose: string, text: string): string {
    return createHmac('sha256', this.#secret).update(`${purpose}\0${text}`).digest('base64url')
  }
}

/** What a cookie claims, before its signature was checked. */
function readPayload(payload: string): { name: string; expiresMs: number } {
  try {
    const { name, expiresMs } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
    return { name: String(name), expiresMs: Number(expiresMs) }
  } catch {
    return { name: '', expiresMs: 0 }
  }
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
