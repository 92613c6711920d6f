import { randomBytes } from 'node:crypto'
import type { Config } from '../config/schema.ts'
import { RuntimeError } from '../runtime/core/errors.ts'
import type { Logger } from '../runtime/core/logger.ts'
import type { Store } from '../runtime/store/store.ts'
import { isPasswordHash } from './security/password.ts'
import { roles, type Role, type User } from './security/tokens.ts'

/**
 * What the dashboard works with.
 * @example
 * ```ts
 * const options: DashboardOptions = { environment: 'staging', userHeader: 'x-forwarded-user', operators: ['ada'] }
 * ```
 */
export interface DashboardOptions {
  /** Where the jobs are; by default the one that `enqueue` uses. */
  store?: Store
  /** Shown on each page, such as `production`. */
  environment?: string
  /** Where the application mounts the dashboard, such as `/admin/jobs`; not needed behind a proxy that strips the path. */
  basePath?: string
  /** `name:role:hash` each, the hash as `runtime web --hash-password` prints it. Turns the login page on. */
  users?: readonly string[]
  /** Decides about each request instead: a user, or undefined for no one. */
  authorize?: (request: Request) => Promise<User | undefined> | User | undefined
  /** A request header in which a proxy puts the user's name, such as `x-forwarded-user`. */
  userHeader?: string
  /** Addresses that may set `userHeader`: 127.0.0.1 and ::1 by default. */
  proxies?: readonly string[]
  /** Names from `userHeader` that may change things; the others may look. */
  operators?: readonly string[]
  /** Lets everyone in who reaches the dashboard, as an operator. Only for addresses that no one else reaches. */
  open?: boolean
  /** Signs sessions and forms; at least 32 characters. Made at the start when absent: then a restart ends all sessions. */
  secret?: string
  /** How long a login lasts, in ms: 8 hours by default. */
  sessionMs?: number
  /** Names of members whose values no page shows, besides the usual ones and those of the setting `redact`. */
  mask?: readonly string[]
  /** The application's settings; by default those that `enqueue` uses. */
  config?: Config
  /** Gets a line for each change and each error; by default lines as the settings `log` say. */
  log?: Logger
}

/** How a request is known to be someone's. */
export type Access =
  | { kind: 'login'; users: ReadonlyMap<string, { role: Role; hash: string }> }
  | { kind: 'header'; name: string; proxies: readonly string[]; operators: readonly string[] }
  | { kind: 'callback'; authorize: NonNullable<DashboardOptions['authorize']> }
  | { kind: 'open' }

/** The options, checked and complete. */
export interface Settings {
  store: Store
  access: Access
  environment: string
  basePath: string
  secret: string
  sessionMs: number
  mask: readonly string[]
  config: Config
  log: Logger
}

/** @throws RuntimeError ERR_CONFIG for no or more than one way to sign in, a user that is none, a short secret */
export function settingsOf(options: DashboardOptions, store: Store, config: Config, log: Logger): Settings {
  const { secret = randomBytes(32).toString('base64url') } = options
  if (secret.length < 32)
    throw invalid(
      `web.secret: expected at least 32 characters, got ${secret.length}; use for example 40 random characters`,
    )
  const basePath = (options.basePath ?? '').replace(/\/+$/, '')
  if (basePath !== '' && !/^(\/[\w.~-]+)+$/.test(basePath))
    throw invalid(`basePath: expected a path like /admin/jobs, got ${JSON.stringify(options.basePath)}`)
  return {
    store,
    access: accessOf(options),
    environment: options.environment ?? '',
    basePath,
    secret,
    sessionMs: options.sessionMs ?? 8 * 3_600_000,
    mask: [...config.redact, ...(options.mask ?? [])],
    config,
    log,
  }
}

function accessOf(options: DashboardOptions): Access {
  const { users = [], userHeader, authorize, open } = options
  const ways: (Access | false)[] = [
    users.length > 0 && { kind: 'login', users: new Map(users.map(readUser)) },
    userHeader !== undefined && {
      kind: 'header',
      name: userHeader,
      proxies: options.proxies ?? ['127.0.0.1', '::1', '::ffff:127.0.0.1'],
      operators: options.operators ?? [],
    },
    authorize !== undefined && { kind: 'callback', authorize },
    open === true && { kind: 'open' },
  ]
  const [way, ...more] = ways.filter((each) => each !== false)
  if (way && more.length === 0) return way
  const got = way ? `got ${1 + more.length} of them` : 'got none'
  throw invalid(
    `the dashboard needs a login: expected one of web.users, web.userHeader, authorize or open, ${got}; \`runtime web --hash-password\` makes a user's hash`,
  )
}

function readUser(text: string): [name: string, user: { role: Role; hash: string }] {
  const [, name = '', role = '', hash = ''] = /^([^:]+):([^:]+):(.+)$/.exec(text) ?? []
  const known = roles.find((each) => each === role)
  if (known && isPasswordHash(hash)) return [name, { role: known, hash }]
  throw invalid(
    `web.users: expected name:role:hash with the role ${roles.join(' or ')} and a hash that \`runtime web --hash-password\` made, got ${JSON.stringify(`${name || '?'}:${role}:…`)}`,
  )
}

const invalid = (message: string): RuntimeError => new RuntimeError('ERR_CONFIG', message)
