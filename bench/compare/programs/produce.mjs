// The producer of a peer in Node: one line of JSON in, one line out. The peer gives `add(job)`, and, where it has them,
// `addMany(jobs)` and `addFlow(steps)`: as many steps marked `step`, and after all of them one marked `last`.
// A job is { kind: 'note' | 'stay', mark, payload?, delayMs? }.
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'

const now = () => process.hrtime.bigint()
/** A text that hardly becomes smaller by compression. */
const text = (bytes) => randomBytes(Math.floor((bytes * 3) / 4)).toString('base64')
/** A thousand jobs, or as many as have five megabytes. */
const batchOf = (bytes) => Math.max(1, Math.min(1000, Math.floor(5e6 / Math.max(1, bytes))))

export async function produce(peer) {
  const does = {
    /** Adds one job after another. */
    async one({ kind = 'note', count, bytes = 0 }) {
      const payload = text(bytes)
      for (let n = 0; n < count; n += 1) await peer.add({ kind, mark: String(n), payload })
    },
    /** Adds jobs of one kind, many a call. */
    async bulk({ kind = 'note', count, bytes = 0 }) {
      const payload = text(bytes)
      const batch = batchOf(bytes)
      for (let from = 0; from < count; from += batch) {
        const size = Math.min(batch, count - from)
        await peer.addMany(Array.from({ length: size }, (_, n) => ({ kind, mark: String(from + n), payload })))
      }
    },
    /** Adds one job whose mark is the time before the call. */
    async wake() {
      await peer.add({ kind: 'note', mark: String(now()), payload: '' })
    },
    /** Adds jobs that are due at even distances in the window, each with the time at which it is due. */
    async delay({ count, fromMs, toMs }) {
      for (let n = 0; n < count; n += 1) {
        const delayMs = Math.round(fromMs + ((toMs - fromMs) * n) / count)
        const due = now() + BigInt(delayMs) * 1_000_000n
        await peer.add({ kind: 'note', mark: String(due), payload: '', delayMs })
      }
    },
    async flow({ steps }) {
      await peer.addFlow(steps)
    },
  }
  console.log(JSON.stringify({ ready: true }))
  for await (const line of createInterface({ input: process.stdin })) {
    const { what, ...order } = JSON.parse(line)
    const startedNs = now()
    try {
      await does[what](order)
      console.log(JSON.stringify({ startedNs: String(startedNs), ms: Number(now() - startedNs) / 1e6 }))
    } catch (error) {
      console.log(JSON.stringify({ error: String(error) }))
    }
  }
  process.exit(0)
}
