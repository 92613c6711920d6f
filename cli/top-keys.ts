import { withCode } from '../runtime/core/errors.ts'
import type { Client } from '../runtime/jobs/client.ts'
import { changeFailed } from '../runtime/inspect/failed-change.ts'
import type { Inspected } from '../runtime/inspect/inspected.ts'
import { whereLines } from '../runtime/store/workers/where.ts'
import { shownRows, type TopView } from './top-frame.ts'

/** What `runtime top` works on. */
export type TopPlace = Inspected & { client: Client }

/** What keys have done so far. */
export interface TopKeys {
  /** The section whose rows can be selected. */
  section: 'queues' | 'jobs' | 'failures'
  /** The selected row, from 0. */
  row: number
  /** Waits for `y`; any other key leaves all as it is. */
  question?: { text: string; act: () => Promise<string> }
  /** Result of the last action. */
  note?: string
  /** Shown in place of the frame until the next key. */
  page?: string[]
}

const sections = ['queues', 'jobs', 'failures'] as const
const moves: Record<string, number> = { j: 1, '\x1b[B': 1, k: -1, '\x1b[A': -1 }
const sectionOf: Record<string, TopKeys['section']> = { p: 'queues', c: 'jobs', s: 'jobs', r: 'failures' }

/** The keys, for the last line. */
export const topHelp = '[q] quit [tab] section [j/k] select [p] pause/resume [c] cancel [s] stack [r] retry'

/** Splits what the terminal sends into keys: arrows are three characters. */
export const keysOf = (text: string): string[] => text.match(/\x1b\[[A-Z]|[\s\S]/g) ?? [] // eslint-disable-line no-control-regex

/** Does what one key asks. @param rows of the frame @returns the state after it; never rejects */
export async function press(
  key: string,
  keys: TopKeys,
  view: TopView,
  place: TopPlace,
  rows: number,
): Promise<TopKeys> {
  const { section, row, question } = keys
  const here = { section, row }
  if (question) return { ...here, note: key === 'y' ? await said(question.act) : 'nothing was changed' }
  const shown = shownRows(view, rows)
  if (key === '\t') return { section: sections[(sections.indexOf(section) + 1) % sections.length] ?? 'queues', row: 0 }
  const by = moves[key]
  if (by !== undefined) return { section, row: Math.max(0, Math.min(row + by, shown[section].length - 1)) }
  const wanted = sectionOf[key]
  if (wanted === undefined) return here
  if (wanted !== section)
    return { ...here, note: `[${key}] works on a row of the ${wanted}; select one with tab and j/k` }
  return (await actionOf(key, row, shown, place, here)) ?? { ...here, note: `there are no ${section} to select` }
}

async function actionOf(
  key: string,
  row: number,
  { queues, jobs, failures }: ReturnType<typeof shownRows>,
  { store, client, config }: TopPlace,
  here: TopKeys,
): Promise<TopKeys | undefined> {
  const [queue, job, group] = [queues[row], jobs[row], failures[row]]
  const ask = (text: string, act: () => Promise<string>): TopKeys => ({ ...here, question: { text, act } })
  if (key === 'p' && queue) {
    const { name, paused } = queue
    return ask(`${paused ? 'resume' : 'pause'} queue ${name}?`, async () => {
      await store.queues.setPaused(name, !paused)
      return `${paused ? 'resumed' : 'paused'} ${name}`
    })
  }
  if (key === 'c' && job)
    return ask(`cancel ${job.class ?? 'job'} ${job.id}?`, async () =>
      (await client.job(job.id).cancel()) ? `${job.id} is cancelled` : `${job.id} has ended already`,
    )
  if (key === 's' && job) {
    const found = await store.stacks.ask(job.id).then(
      ({ pid, where }) => [`in process ${pid ?? '?'}`, ...whereLines(where)],
      (error: unknown) => [withCode(error)],
    )
    return { ...here, page: [`${job.class ?? 'job'} ${job.id}`, ...found, '', 'any key returns'] }
  }
  if (key === 'r' && group)
    return ask(`retry all failed ${group.class} with ${group.exception} (${group.count} seen)?`, async () => {
      const { done, skipped } = await changeFailed({ store, config }, 'retry', { ...group.filter, retried: false })
      const left = skipped.map(({ reason, count }) => `; ${count} left: ${reason}`).join('')
      return `retried ${done}${left}`
    })
  return undefined
}

const said = (act: () => Promise<string>): Promise<string> => act().catch((error: unknown) => withCode(error))
