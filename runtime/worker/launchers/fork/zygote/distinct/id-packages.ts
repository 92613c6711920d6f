import { createRequire } from 'node:module'
import { role } from '../core/role.ts'

/** bson draws these once and puts them into each ObjectId of its process (`PROCESS_UNIQUE`); longer ones are ids themselves. */
const BSON_SEED_BYTES = 5
const IN_BSON = /[\\/]node_modules[\\/]bson[\\/]/
/** v6 goes through the same file and keeps nothing. */
const IN_UUID_V1 = /[\\/]node_modules[\\/]uuid[\\/].*[\\/]v1\.[jt]s/
const IN_UUID_V6 = /[\\/]node_modules[\\/]uuid[\\/].*[\\/]v6\.[jt]s/
/** Makers of ids from a time, a machine's number and a counter: siblings that have the last two from their parent repeat each other. */
const COUNTERS = [
  '@sapphire/snowflake',
  'flake-idgen',
  'hyperid',
  'node-snowflake',
  'nodejs-snowflake',
  'simpleflakes',
  'snowflake-id',
  'snowyflake',
]

let usedUuidV1 = false

/**
 * Looks at random bytes that were drawn while the application is loaded. @returns true for those that a well-known package
 * makes all its ids from: a child draws them again
 */
export function isIdSeed(bytes: number): boolean {
  if (role.child || (bytes !== BSON_SEED_BYTES && usedUuidV1)) return false
  const { stack = '' } = new Error()
  if (IN_UUID_V1.test(stack) && !IN_UUID_V6.test(stack)) usedUuidV1 = true
  return bytes === BSON_SEED_BYTES && IN_BSON.test(stack)
}

/** What the supervisor's log says of packages whose ids siblings may repeat; for when the application is loaded. */
export function idWarnings(): string[] {
  const loaded = Object.keys(createRequire(import.meta.url).cache)
  const counters = COUNTERS.filter((name) => loaded.some((file) => file.includes(`/node_modules/${name}/`)))
  return [...(usedUuidV1 ? ['uuid v1'] : []), ...counters].map(
    (name) =>
      `${name} was used or loaded with the application: jobs are forked, so ids that it makes from what it keeps may repeat; make its generator in afterFork or in the job, or use uuid v4 or v7`,
  )
}
