import { countDelayed, changeDelayed } from '../runtime/inspect/changes/delayed.ts'
import { countFailed, changeFailed } from '../runtime/inspect/changes/failed.ts'
import { countWaiting, removeWaiting } from '../runtime/inspect/changes/queues.ts'
import { changeRuns } from '../runtime/inspect/changes/runs.ts'
import type { Plan } from './bulk-changes.ts'
import { filterOf as delayedFilter } from './pages/delayed.ts'
import { filterOf as failedFilter } from './pages/failed.ts'
import { filterOf as runFilter } from './pages/workflows.ts'
import { contextOf, type Query, type PageRequest } from './request.ts'

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
  /** Of one entry: `failed job`. */
  noun: string
  verbs: Record<string, Verb>
  /** @throws BadInput for a filter that is none */
  plan: (request: PageRequest, query: Query, verb: string) => Plan
}

const remove: Verb = {
  ...{ name: 'Remove', past: 'removed', isBad: true },
  says: 'The jobs are removed and do not run; those with a record end as cancelled.',
}

/** By the name that addresses and forms have, `of`. */
export const subjects: Readonly<Record<string, Subject>> = {
  failed: {
    ...{ page: 'failed', noun: 'failed job' },
    verbs: {
      retry: {
        ...{ name: 'Retry', past: 'retried' },
        says: 'Each job goes back to its queue, and its entry leaves the list in the same step.',
      },
      remove: { ...remove, says: 'The entries are removed. The jobs do not run again.' },
    },
    plan: (request, query, verb) => {
      const place = contextOf(request)
      const { given, filter } = failedFilter(query, request.nowMs)
      return {
        given,
        count: (signal) => countFailed(place, filter, { signal }),
        total: () => request.store.failures.count(),
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
    ...{ page: 'delayed', noun: 'delayed job' },
    verbs: {
      run: { name: 'Run', past: 'moved to their queues', says: 'Each job goes to its queue now.' },
      remove,
    },
    plan: (request, query, verb) => {
      const place = contextOf(request)
      const { given, filter } = delayedFilter(query)
      return {
        given,
        count: (signal) => countDelayed(place, filter, { signal }),
        total: () => request.store.delayed.count(),
        change: (options) => changeDelayed(place, verb === 'run' ? 'run' : 'remove', filter, options),
      }
    },
  },
  queue: {
    ...{ page: 'queue', noun: 'waiting job' },
    verbs: { remove },
    plan: (request, query) => {
      const place = contextOf(request)
      const [name, className, text] = [query.needed('name'), query.text('class'), query.text('text')]
      const filter = {
        ...(className === undefined ? {} : { class: className }),
        ...(text === undefined ? {} : { text }),
      }
      return {
        given: { name, class: className, text },
        count: (signal) => countWaiting(place, name, filter, { signal }),
        total: async () => (await request.store.queues.heads([name]))[0]?.size ?? 0,
        change: (options) => removeWaiting(place, name, filter, options),
      }
    },
  },
  runs: {
    ...{ page: 'workflows', noun: 'workflow run' },
    verbs: {
      continue: {
        ...{ name: 'Continue', past: 'continued' },
        says: 'Failed steps run again, and then the steps that wait for them. Only failed and stopped runs are continued.',
      },
      stop: {
        ...{ name: 'Stop', past: 'stopped', isBad: true },
        says: 'No more steps start, and running steps are cancelled. Runs that have ended are skipped.',
      },
      remove: {
        ...{ name: 'Remove', past: 'removed', isBad: true },
        says: 'The runs and the outputs of their steps are removed. Runs that are running are skipped.',
      },
    },
    plan: (request, query, verb) => {
      const filter = runFilter(query)
      const { read } = request.store.runs
      return {
        given: filter,
        count: async () => {
          const { count, isExact } = await read.count(filter)
          return { count, isStopped: !isExact }
        },
        total: async () => (await read.count(filter)).count,
        change: (options) => changeRuns(contextOf(request), verb as 'continue' | 'stop' | 'remove', filter, options),
      }
    },
  },
}
