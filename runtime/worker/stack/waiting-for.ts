import { setTimeout as sleep } from 'node:timers/promises'
import { library } from '../../../config/library.ts'
import { formatDuration } from '../../core/duration.ts'
import { plural } from '../../core/plural.ts'

/** What Node keeps of a handle, as far as a reader of evidence wants it. */
interface Handle {
  fd?: number
  _type?: string
  remoteAddress?: string
  remotePort?: number
  pid?: number
  spawnfile?: string
  address?: () => { address?: string; port?: number } | string | null
}

/** Not in Node's types, and deprecated for other uses; there is no other way to learn where a socket leads. */
const node = process as unknown as {
  _getActiveHandles: () => object[]
  _getActiveRequests: () => { hostname?: string; address?: string; port?: number }[]
}

/** Of resources that say no more of themselves than their type; those of the other types are seen as handles. */
const WORDS: Readonly<Record<string, string>> = {
  Immediate: 'immediate',
  FSReqCallback: 'file operation',
  FSReqPromise: 'file operation',
  FSEventWrap: 'file watcher',
  StatWatcher: 'file watcher',
  MessagePort: 'message port',
  ZLIB: 'compression',
  SignalWrap: 'signal listener',
}

/** What the event loop of a job's process waits for, in words, and how busy it is. */
export interface WaitingFor {
  /** `1 timer due in 3.0h`, `2 sockets to 10.0.0.5:5432`; empty when nothing can come that would go on with the job. */
  waitingFor: string[]
  /** The share of one processor that the process uses just now: an event loop that turns without a pause is at 1. */
  busy: number
}

/** Standard error. */
const LAST_STANDARD = 2

/** For how long the processor time is measured. */
const SAMPLE_MS = 25

/** A collection of garbage takes longer in a larger heap, and holds the job up. */
const COLLECTION_MS = 400
const COLLECTION_BYTES = 256 << 20

/** Sees what a job keeps open, beside what was open before it. */
export class OpenResources {
  readonly #before = new Set(node._getActiveHandles())
  readonly #typesBefore = countOf(process.getActiveResourcesInfo())
  readonly #loopTimeBefore = loopTime()

  /** @param withinMs how long the answer may take: when a timer is due is found out where there is time for that */
  async look(withinMs: number): Promise<WaitingFor> {
    const waitingFor = this.#parts(withinMs)
    const before = process.cpuUsage()
    const startedAt = performance.now()
    await sleep(SAMPLE_MS)
    const { user, system } = process.cpuUsage(before)
    return { waitingFor, busy: (user + system) / 1000 / (performance.now() - startedAt) }
  }

  #parts(withinMs: number): string[] {
    const types = countOf(process.getActiveResourcesInfo())
    for (const [type, count] of this.#typesBefore) types.set(type, (types.get(type) ?? 0) - count)
    const handles = node._getActiveHandles().flatMap((handle) => (this.#before.has(handle) ? [] : handleText(handle)))
    const hasChildren = handles.some((text) => text.startsWith('child process'))
    const parts = [
      // Those of a child process say no more than the child.
      ...handles.filter((text) => text !== 'pipe' || !hasChildren),
      ...node._getActiveRequests().flatMap(requestText),
      ...[...types].flatMap(([type, count]) => Array.from({ length: count }, () => WORDS[type] ?? [])).flat(),
    ]
    const timers = types.get('Timeout') ?? 0
    if (timers <= 0) return inPlural(parts)
    const hasTime =
      withinMs >= COLLECTION_MS && library('node:v8').getHeapStatistics().used_heap_size <= COLLECTION_BYTES
    const due = hasTime ? dueText(this.#loopTimeBefore) : undefined
    return [due ?? plural(timers, 'timer'), ...inPlural(parts)]
  }
}

function countOf(types: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1)
  return counts
}

const place = (address = '?', port = 0): string => `${address.includes(':') ? `[${address}]` : address}:${port}`

/** What the runtime needs of a Timeout: its start in loop time, its length, whether it keeps the event loop. */
const TIMER = /_idleTimeout: (\d+),[^]*?_idleStart: (\d+),[^]*?_destroyed: false,[^]*?Symbol\(refed\)\]?: true/

/** Milliseconds of the event loop's own clock, by which timers are kept. */
function loopTime(): number {
  const timer = setTimeout(() => undefined, 1) as unknown as { _idleStart: number }
  clearTimeout(timer as unknown as NodeJS.Timeout)
  return timer._idleStart
}

/** All timers as `util.inspect` shows them. Node has no list of them, so V8 is asked for all objects of their class, which takes a collection of garbage. */
function allTimers(): string[] {
  const sample = setTimeout(() => undefined, 1)
  clearTimeout(sample)
  const emitWarning = process.emitWarning.bind(process)
  // That the function is experimental is not for the output of the job.
  process.emitWarning = () => undefined
  try {
    return library('node:v8').queryObjects(sample.constructor, { format: 'summary' })
  } finally {
    process.emitWarning = emitWarning
  }
}

/** Timers that were started after a moment; undefined where none is found. */
function dueText(since: number): string | undefined {
  const now = loopTime()
  const due = allTimers()
    .flatMap((text) => {
      const [, lengthMs, start] = TIMER.exec(text) ?? []
      return Number(start) >= since ? [Math.max(0, Number(start) + Number(lengthMs) - now)] : []
    })
    .sort((a, b) => a - b)
  const [next] = due
  if (next === undefined) return undefined
  return due.length === 1
    ? `1 timer due in ${formatDuration(next)}`
    : `${due.length} timers, the next due in ${formatDuration(next)}`
}

function handleText(given: object): string | [] {
  const handle = given as Handle
  switch (given.constructor.name) {
    case 'Socket':
    case 'TLSSocket':
      if (handle.remoteAddress !== undefined) return `socket to ${place(handle.remoteAddress, handle.remotePort)}`
      return (handle.fd ?? LAST_STANDARD + 1) <= LAST_STANDARD || handle._type === 'pipe' ? [] : 'pipe'
    case 'WriteStream':
    case 'ReadStream':
      return []
    case 'Server': {
      const at = handle.address?.()
      return `server on ${typeof at === 'string' ? at : place(at?.address, at?.port)}`
    }
    case 'ChildProcess':
      return `child process ${handle.pid}${handle.spawnfile === undefined ? '' : ` (${handle.spawnfile})`}`
    case 'Pipe':
    case 'FSWatcher':
    case 'StatWatcher':
    case 'MessagePort':
      return []
    default:
      return given.constructor.name
  }
}

function requestText(request: { hostname?: string; address?: string; port?: number }): string | [] {
  switch (request.constructor.name) {
    case 'GetAddrInfoReqWrap':
      return `look-up of ${request.hostname}`
    case 'TCPConnectWrap':
      return `connection to ${place(request.address, request.port)}`
    default:
      return []
  }
}

/** `socket to x`, twice → `2 sockets to x`. */
function inPlural(parts: readonly string[]): string[] {
  return [...countOf(parts)].map(([text, count]) => {
    if (count === 1) return `1 ${text}`
    const [, noun = text, rest = ''] = /^(\S+(?: process| operation| watcher| listener| port)?)(.*)$/.exec(text) ?? []
    return `${count} ${/s$/.test(noun) ? `${noun}es` : `${noun}s`}${rest}`
  })
}
