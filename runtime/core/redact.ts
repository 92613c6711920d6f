/** What stands in place of a value that is not shown. */
export const REDACTED = '[redacted]'
/** Keys whose values are never shown; a setting adds more. */
const ALWAYS = ['password', 'passwd', 'secret', 'token', 'authorization', 'apikey', 'privatekey', 'cookie']
/** Deeper values are not shown: what cannot be looked through may hold a secret. */
const MAX_DEPTH = 64

/** Replaces the values of secret keys. Never changes what it is given. */
export type Redact = (value: unknown) => unknown

/**
 * Tells secret keys: those that contain `password`, `token`, `secret`, `authorization` or another of the usual words, or
 * one of `more`. Case, blanks, `-` and `_` do not matter: `token` hides `accessToken` and `X-Access-Token`.
 */
export function secretKeys(more: readonly string[] = []): (key: string) => boolean {
  const words = [...ALWAYS, ...more.map(plain)].filter((word) => word !== '')
  const known = new Map<string, boolean>()
  return (key) => {
    let secret = known.get(key)
    if (secret === undefined) {
      const name = plain(key)
      secret = words.some((word) => name.includes(word))
      if (known.size < 1000) known.set(key, secret)
    }
    return secret
  }
}

/** Hides the values of {@link secretKeys} at any depth, for logs. */
export function redactor(more: readonly string[] = []): Redact {
  const isSecret = secretKeys(more)
  const redact = (value: unknown, depth: number): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if (depth > MAX_DEPTH) return REDACTED
    if (Array.isArray(value)) return value.map((one) => redact(one, depth + 1))
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, isSecret(key) ? REDACTED : redact(one, depth + 1)]),
    )
  }
  return (value) => redact(value, 0)
}

const plain = (key: string): string => key.toLowerCase().replace(/[-_\s]/g, '')
