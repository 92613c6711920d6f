import { digestOf } from '../../core/codec.ts'
import { hostname } from 'node:os'

/** Characters that make a queue list dynamic (resque's Worker::WILDCARDS). */
const dynamicCharacters = /[*?{}[\]!]/

/** True when the list must be matched against the queues there are; false when it is taken as written. */
export function isDynamic(patterns: readonly string[]): boolean {
  return patterns.some((pattern) => dynamicCharacters.test(pattern))
}

/**
 * The queues to try, in order, as Resque selects them (resque-wire.md, section 9). A list without wildcards is taken as
 * written. Otherwise each pattern in turn gives what it matches, in byte order, each queue once; `!pattern` takes away,
 * wherever it stands; literals must exist.
 * @param known the queues there are
 */
export function selectQueues(patterns: readonly string[], known: readonly string[]): string[] {
  if (!isDynamic(patterns)) return [...patterns]
  const sorted = [...known].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const refused = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => globPattern(pattern.slice(1)))
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!')).map(globPattern)
  const selected = new Set(wanted.flatMap((glob) => sorted.filter((queue) => glob.test(queue))))
  return [...selected].filter((queue) => !refused.some((glob) => glob.test(queue)))
}

/** The queue part of a worker id: the list as configured, without its exclusions (resque's Worker#queues). */
export function queueListName(patterns: readonly string[]): string {
  return patterns.filter((pattern) => !pattern.startsWith('!')).join(',')
}

/** Names a set of queues, in whatever order, in the register of idle workers. */
export function queueListId(queues: readonly string[]): string {
  return digestOf([...queues].sort().join('\n')).slice(0, 16)
}

/**
 * Ruby's File.fnmatch without flags: `*` crosses `/`, `[!a]` and `[^a]` negate, a backslash escapes, braces are literal,
 * and a leading dot is matched only by a dot.
 */
function globPattern(glob: string): RegExp {
  let source = /^[*?[]/.test(glob) ? '(?!\\.)' : ''
  for (let i = 0; i < glob.length; i += 1) {
    const char = glob.charAt(i)
    const close = char === '[' ? glob.indexOf(']', i + 2) : -1
    if (char === '*') source += '[^]*'
    else if (char === '?') source += '[^]'
    else if (close > 0) {
      const body = glob.slice(i + 1, close).replace(/^[!^]/, '')
      source += `[${/^[!^]/.test(glob.slice(i + 1)) ? '^' : ''}${body.replace(/[\\\]^[]/g, '\\$&')}]`
      i = close
    } else if (char === '\\' && i + 1 < glob.length) {
      i += 1
      source += escape(glob.charAt(i))
    } else source += escape(char)
  }
  try {
    return new RegExp(`^${source}$`, 'u')
  } catch {
    return /(?!)/ // a range that ends before it begins matches nothing, as in Ruby
  }
}

function escape(char: string): string {
  return char.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}

/**
 * Resque's worker ids, `host:pid:queues`, one a slot. Further slots have `host+2`, `host+3` …: another host part keeps
 * a Ruby worker on this machine, which looks for pids in `ps`, from taking them for dead; and ids must differ.
 */
export function workerIds(queues: readonly string[], slots: number, host = hostname(), pid = process.pid): string[] {
  const safeHost = host.replaceAll(':', '-')
  return Array.from(
    { length: slots },
    (_, i) => `${safeHost}${i === 0 ? '' : `+${i + 1}`}:${pid}:${queueListName(queues)}`,
  )
}
