import { AsyncLocalStorage } from 'node:async_hooks'
import { RuntimeError, withCode } from '../runtime/core/errors.ts'

/** A page answers within two seconds: all that it reads from Redis gets so long together, and there is time left to write it. */
const deadlineMs = 1300
const deadlines = new AsyncLocalStorage<number>()

/** Answers one request: what it reads one after the other has one deadline. */
export const withDeadline = <T>(answer: () => Promise<T>): Promise<T> =>
  deadlines.run(performance.now() + deadlineMs, answer)

/** A filtered page looks at a part of its list, for so long, and goes on from its cursor: the bound of every list. */
export const searchMs = 100

type Reads = Record<string, () => Promise<unknown>>
type Read<R extends Reads> = { [K in keyof R]: Awaited<ReturnType<R[K]>> | undefined }

/**
 * Reads the parts of a page side by side. A part that fails, or takes too long, is undefined, and `missing` says why: a
 * page shows what it has while Redis is slow or away.
 */
export async function readParts<R extends Reads>(reads: R): Promise<Read<R> & { missing: string[] }> {
  const missing: string[] = []
  const entries = await Promise.all(
    Object.entries(reads).map(async ([name, read]) => {
      const found = await withinDeadline(read()).catch((error: unknown) => {
        missing.push(`${name}: ${withCode(error)}`)
        return undefined
      })
      return [name, found] as const
    }),
  )
  return { ...(Object.fromEntries(entries) as Read<R>), missing }
}

/** @throws RuntimeError ERR_TIMEOUT when it takes longer than a page may take */
export async function withinDeadline<T>(work: Promise<T>): Promise<T> {
  const endsAt = deadlines.getStore() ?? performance.now() + deadlineMs
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new RuntimeError('ERR_TIMEOUT', `Redis has not answered within ${deadlineMs} ms`)),
      endsAt - performance.now(),
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
