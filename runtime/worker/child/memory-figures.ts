import { library } from '../../../config/library.ts'
import type { ChildMessage, MemoryFigures, ParentMessage } from '../../messages.ts'

type Ask = Extract<ParentMessage, { type: 'figures' | 'snapshot' }>
type Answer = Extract<ChildMessage, { type: 'figures' | 'snapshot' }>

/** What a process answers when it is asked for its memory. Never throws. */
export function describeMemory(ask: Ask): Answer {
  if (ask.type === 'figures') return { type: 'figures', figures: memoryFigures() }
  try {
    const { used_heap_size: heapBytes } = library('node:v8').getHeapStatistics()
    if (heapBytes > ask.maxHeapBytes) return { type: 'snapshot', heapBytes }
    return { type: 'snapshot', heapBytes, file: library('node:v8').writeHeapSnapshot(ask.file) }
  } catch (thrown) {
    return { type: 'snapshot', fault: (thrown as Error).message }
  }
}

function memoryFigures(): MemoryFigures {
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage()
  const spaces = library('node:v8')
    .getHeapSpaceStatistics()
    .flatMap(({ space_name: name, space_used_size: used }) => (used === 0 ? [] : [[name.replace(/_space$/, ''), used]]))
  return {
    rssBytes: rss,
    heapTotalBytes: heapTotal,
    heapUsedBytes: heapUsed,
    externalBytes: external,
    arrayBuffersBytes: arrayBuffers,
    spaces: Object.fromEntries(spaces) as Record<string, number>,
  }
}
