import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

/** OWASP's scrypt parameters of 2023 with 32 MB a check: N=2^15, r=8, p=3. */
const cost = { N: 2 ** 15, r: 8, p: 3 }
const keyBytes = 32
const form = /^scrypt\$(\d{1,8})\$(\d{1,2})\$(\d{1,2})\$([\w-]{16,128})\$([\w-]{22,128})$/

/** The parts of a stored password; undefined for text that is none, or asks for more than 256 MB. */
function partsOf(hash: string): { options: ScryptOptions; salt: Buffer; key: Buffer } | undefined {
  const [, N, r, p, salt = '', key = ''] = form.exec(hash) ?? []
  if (N === undefined || Number(N) * Number(r) > 2 ** 21) return undefined
  const options = { N: Number(N), r: Number(r), p: Number(p), maxmem: 2 ** 29 }
  return { options, salt: Buffer.from(salt, 'base64url'), key: Buffer.from(key, 'base64url') }
}

/**
 * What `web.users` stores of a password: `scrypt$N$r$p$<salt>$<key>`, both in base64url.
 * @throws nothing that depends on the password
 * @example
 * ```ts
 * const user = `ada:operator:${await hashPassword('a long password')}`
 * ```
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(password, salt, keyBytes, { ...cost, maxmem: 2 ** 28 })
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), key.toString('base64url')].join('$')
}

/** True for text of the form that {@link hashPassword} makes. */
export const isPasswordHash = (hash: string): boolean => partsOf(hash) !== undefined

/** Compares in constant time. `hash` undefined: takes as long, and is false, so that names cannot be told by the clock. */
export async function checkPassword(password: string, hash: string | undefined): Promise<boolean> {
  const parts = partsOf(hash ?? '')
  const { options, salt, key } = parts ?? {
    options: { ...cost, maxmem: 2 ** 28 },
    salt: Buffer.alloc(16),
    key: Buffer.alloc(keyBytes),
  }
  const derived = await derive(password, salt, key.length, options)
  return timingSafeEqual(derived, key) && parts !== undefined
}
