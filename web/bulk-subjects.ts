import { countDelayed, changeDelayed } from '../runtime/inspect/delayed-change.ts'
import { countFailed, changeFailed } from '../runtime/inspect/failed-change.ts'
import { countWaiting, removeWaiting } from '../runtime/inspect/queue-change.ts'
import { changeRuns } from '../runtime/inspect/run-change.ts'
import type { Plan } from './bulks.ts'
import { filterOf as delayedFilter } from './pages/delayed.ts'
import { filterOf as failedFilter } from './pages/failed.ts'
import { filterOf as runFilter } from './pages/workflows.ts'
import { contextOf, type Query, type Visit } from './visit.ts'

/** What may be done to all that match. */
export interface Verb {
  /** Such as `Retry`. */
  name: string
  past: string
  /** What it does, in a sentence. */
  says: string
  isBad?: true
}

/** A list whose entries may be changed together. */
export interface Subject {
  /** The page of the list. */
  page: string
  noun: string
  verbs: Record<string, Verb>
  /** @throws BadInput for a filter that is none */
  plan: (visit: Visit, query: Query, verb: string) => Plan
}

const remove: Verb = {
  ...{ name: 'Remove', past: 'removed', isBad: true },
  says: 'The jobs are removed and do not run; those with a record end as cancelled.',
}

/** By the name that addresses and forms have, `of`. */
export const subjects: Readonly<Record<string, Subject>> = {
  failed: {
    ...{ page: 'failed', noun: 'failed jobs' },
    verbs: {
      retry: {
        ...{ name: 'Retry', past: 'retried' },
        says: 'Each job goes back to its queue, and its entry leaves the list in the same step.',
      },
      remove: { ...remove, says: 'The entries are removed. The jobs do not run again.' },
    },
    plan: (visit, query, verb) => {
      const place = contextOf(visit)
      const { given, filter } = failedFilter(query, visit.nowMs)
      return {
        given,
        count: (signal) => countFailed(place, filter, { signal }),
        total: () => visit.store.failures.count(),
        change: (options, { startedMs, total }) => {
          // Entries carry whole seconds.
          const untilMs = Math.min(filter.untilMs ?? Infinity, Math.floor(startedMs / 1000) * 1000 + 1000)
          const of = { ...filter, untilMs }
          return changeFailed(place, verb === 'retry' ? 'retry' : 'remove', of, { ...options, newest: total - 1 })
        },
      }
    },
  },
  delayed: {
    ...{ page: 'delayed', noun: 'delayed jobs' },
    verbs: {
      run: { name: 'Run', past: 'moved to their queues', says: 'Each job goes to its queue now.' },
      remove,
    },
    plan: (visit, query, verb) => {
      const place = contextOf(visit)
      const { given, filter } = delayedFilter(query)
      return {
        given,
        count: (signal) => countDelayed(place, filter, { signal }),
        total: () => visit.store.delayed.count(),
        change: (options) => changeDelayed(place, verb === 'run' ? 'run' : 'remove', filter, options),
      }
    },
  },
  queue: {
    ...{ page: 'queue', noun: 'waiting jobs' },
    verbs: { remove },
    plan: (visit, query) => {
      const place = contextOf(visit)
      const [name, className, text] = [query.needed('name'), query.text('class'), query.text('text')]
      const filter = {
        ...(className === undefined ? {} : { class: className }),
        ...(text === undefined ? {} : { text }),
      }
      return {
        given: { name, class: className, text },
        count: (signal) => countWaiting(place, name, filter, { signal }),
        total: async () => (await visit.store.queues.heads([name]))[0]?.size ?? 0,
        change: (options) => removeWaiting(place, name, filter, options),
      }
    },
  },
  runs: {
    ...{ page: 'workflows', noun: 'workflow runs' },
    verbs: {
      continue: {
        ...{ name: 'Continue', past: 'continued' },
        says: 'Failed steps run again, and what waits for them. Runs that neither failed nor were stopped are skipped.',
      },
      stop: {
        ...{ name: 'Stop', past: 'stopped', isBad: true },
        says: 'No more steps start, and running ones are cancelled. Runs that have ended are skipped.',
      },
      remove: {
        ...{ name: 'Remove', past: 'removed', isBad: true },
        says: 'The runs and the outputs of their steps are removed. Runs that are running are skipped.',
      },
    },
    plan: (visit, query, verb) => {
      const filter = runFilter(query)
      const { read } = visit.store.runs
      return {
        given: filter,
        count: async () => {
          const { count, isExact } = await read.count(filter)
          return { count, isStopped: !isExact }
        },
        total: async () => (await read.count(filter)).count,
        change: (options) => changeRuns(contextOf(visit), verb as 'continue' | 'stop' | 'remove', filter, options),
      }
    },
  },
}
