// Odd data: what lies in Redis is changed in one place, as an application, an operator or a fault of a machine would.
import type { Redis } from 'ioredis'
import { mutated, type Dice } from './fuzz.ts'

/** All keys as they are, to be put back. */
export type Snapshot = [key: string, dump: Buffer][]

/** Reads all keys. */
export async function takeSnapshot(redis: Redis): Promise<Snapshot> {
  const keys = await redis.keys('*')
  const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)))
  return keys.flatMap((key, i): Snapshot => (dumps[i] ? [[key, dumps[i]]] : []))
}

/** Puts back what a snapshot has, and nothing else. */
export async function restoreSnapshot(redis: Redis, snapshot: Snapshot): Promise<void> {
  const calls = redis.pipeline().flushall()
  for (const [key, dump] of snapshot) calls.restore(key, 0, dump)
  await calls.exec()
}

/** What numbers and texts of one field become, besides random changes of what they were. */
const odd = ['', '-1', '1e999', 'nan', '99999999999999999999', '0.5', 'null', '[', '{"a":{"b":1}}', '\0', 'é\u2028', '__proto__'] // prettier-ignore

/** Changes one key at random. @returns what it did, for messages */
export async function damage(redis: Redis, dice: Dice): Promise<string> {
  const keys = (await redis.keys('*')).sort()
  if (keys.length === 0) return 'nothing'
  const key = dice.pick(keys)
  const type = await redis.type(key)
  if (dice.below(12) === 0) return `${key} becomes ${await ofAnotherType(redis, dice, key)}`
  const piece = await pieceOf(redis, dice, key, type)
  const value = dice.below(3) === 0 ? dice.pick(odd) : mutated(dice, [piece.text])
  await piece.put(value)
  return `${key}: ${piece.what} becomes ${JSON.stringify(value.slice(0, 200))}`
}

async function ofAnotherType(redis: Redis, dice: Dice, key: string): Promise<string> {
  await redis.del(key)
  switch (dice.below(4)) {
    case 0:
      await redis.set(key, dice.pick(odd))
      return 'a string'
    case 1:
      await redis.rpush(key, dice.pick(odd))
      return 'a list'
    case 2:
      await redis.hset(key, 'x', dice.pick(odd))
      return 'a hash'
    default:
      return 'nothing'
  }
}

interface Piece {
  what: string
  text: string
  put: (value: string) => Promise<unknown>
}

/** One field, entry, member or score of a key. */
async function pieceOf(redis: Redis, dice: Dice, key: string, type: string): Promise<Piece> {
  switch (type) {
    case 'hash': {
      const field = dice.pick([...(await redis.hkeys(key)).sort(), 'x'])
      const text = (await redis.hget(key, field)) ?? ''
      if (dice.below(6) === 0) return { what: `no ${field}, but a field`, text: field, put: (name) => rename(redis, key, field, name, text) } // prettier-ignore
      return { what: field, text, put: (value) => redis.hset(key, field, value) }
    }
    case 'list': {
      const at = dice.below(await redis.llen(key))
      return { what: `entry ${at}`, text: (await redis.lindex(key, at)) ?? '', put: (value) => redis.lset(key, at, value) } // prettier-ignore
    }
    case 'zset': {
      const [member = ''] = await redis.zrange(key, dice.below(await redis.zcard(key)), '-1')
      const score = dice.pick(['-inf', '+inf', '-1', '0', '1e300', '0.5', `${Date.now()}`])
      if (dice.below(2) === 0) return { what: `${member} at ${score}`, text: '', put: () => redis.zadd(key, score, member) } // prettier-ignore
      return { what: `another member at ${score}`, text: member, put: (value) => redis.zadd(key, score, value) }
    }
    case 'set':
      return { what: 'a member', text: (await redis.srandmember(key)) ?? '', put: (value) => redis.sadd(key, value) }
    case 'stream':
      return { what: 'an entry', text: '{}', put: (value) => redis.xadd(key, '*', 'kind', 'job', 'id', value) }
    default:
      return stringPiece(redis, dice, key)
  }
}

async function rename(redis: Redis, key: string, field: string, name: string, text: string): Promise<void> {
  await redis.hdel(key, field)
  await redis.hset(key, name, text)
}

/** A text, or some bytes of one that is no text, such as the table of a run. */
async function stringPiece(redis: Redis, dice: Dice, key: string): Promise<Piece> {
  const bytes = (await redis.getBuffer(key)) ?? Buffer.alloc(0)
  const text = bytes.toString()
  if (!text.includes('\0') && !text.includes('\ufffd'))
    return { what: 'its text', text, put: (value) => redis.set(key, value) }
  const at = dice.below(bytes.length)
  const put = (): Promise<unknown> => redis.setrange(key, at, Buffer.from([dice.pick([0, 1, 9, 127, 255]), 255, 255, 255].slice(0, 1 + dice.below(4)))) // prettier-ignore
  return { what: `some bytes at ${at}`, text, put }
}
