import type { Finding } from '../runtime/inspect/doctor/finding.ts'
import { printError } from './output.ts'

/** A wait of this time is looked into, and again after as long. */
const lookEveryMs = 3000

/**
 * Waits, and says on standard error why nothing goes on and what to do: each cause once.
 * @param look finds causes; where it fails, nothing is said
 */
export async function explainWait<T>(
  wait: Promise<T>,
  look: () => Promise<Finding[]>,
  everyMs: number = lookEveryMs,
): Promise<T> {
  const said = new Set<string>()
  let isOver = false
  const say = async (): Promise<void> => {
    for (const { what, cure } of await look().catch(() => [])) {
      if (isOver || said.has(what)) continue
      said.add(what)
      printError(`runtime: still waiting: ${what}${cure === undefined ? '' : ` (${cure})`}`)
    }
  }
  const timer = setInterval(() => void say(), everyMs)
  try {
    return await wait
  } finally {
    isOver = true
    clearInterval(timer)
  }
}
