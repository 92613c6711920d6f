import type { Redis } from 'ioredis'

/** Puts an item where Ruby's enqueue_at would put it. */
export async function rubyDelays(redis: Redis, second: number, item: string | Buffer): Promise<void> {
  await redis.rpush(`resque:delayed:${second}`, item)
  await redis.sadd(Buffer.concat([Buffer.from('resque:timestamps:'), Buffer.from(item)]), `delayed:${second}`)
  await redis.zadd('resque:delayed_queue_schedule', second, second)
}
