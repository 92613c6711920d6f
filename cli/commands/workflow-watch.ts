import { MultiBar, Presets, type SingleBar } from 'cli-progress'
import { formatDuration } from '../../runtime/core/duration.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import type { StoredState } from '../../runtime/store/runs/run-table.ts'
import { endedRuns } from '../../runtime/workflow/run/run-state.ts'
import type { WorkflowRun } from '../../runtime/workflow/run/workflow-run.ts'
import type { Context } from '../context.ts'
import { line } from '../output.ts'
import { onSignals } from '../signals.ts'

/** More classes than these share one bar. */
const mostBars = 12
const refreshMs = 250

type Counts = Partial<Record<StoredState, number>>

/**
 * Follows a run until it ends: a bar for each class on a terminal, a line whenever something changed in a pipe.
 * @param options.timeout in milliseconds @throws RuntimeError ERR_TIMEOUT
 */
export async function watchRun(
  { store }: Context,
  flow: WorkflowRun,
  options: { timeout?: number } = {},
): Promise<void> {
  const deadline = options.timeout === undefined ? Infinity : Date.now() + options.timeout
  const view = process.stdout.isTTY ? new Bars() : new Lines()
  // Leaves the cursor as it was.
  const off = onSignals({ SIGINT: 130, SIGTERM: 143 }, (exitCode) => {
    view.stop()
    process.exit(exitCode)
  })
  const began = { at: Date.now(), done: doneOf(flow.record.counts) }
  try {
    for (;;) {
      await flow.reloadRecord()
      const done = doneOf(flow.record.counts)
      const rate = (done - began.done) / Math.max(1, Date.now() - began.at)
      const leftMs = rate > 0 ? (flow.record.total - done) / rate : undefined
      view.show(flow, await store.runs.read.tally(flow.id), leftMs)
      if (endedRuns.includes(flow.status)) break
      if (Date.now() > deadline)
        throw new RuntimeError(
          'ERR_TIMEOUT',
          `run ${flow.id}: still ${flow.status} after --timeout; it goes on without this command`,
        )
      await new Promise((resolve) => setTimeout(resolve, refreshMs))
    }
  } finally {
    off()
    view.stop()
  }
  await flow.reload()
}

const doneOf = (counts: Counts): number => (counts.finished ?? 0) + (counts.skipped ?? 0) + (counts.failed ?? 0)
const totalOf = (counts: Counts): number => Object.values(counts).reduce((sum, count) => sum + count, 0)

interface View {
  show(flow: WorkflowRun, tally: Map<string, Counts>, leftMs: number | undefined): void
  stop(): void
}

class Bars implements View {
  readonly #multi = new MultiBar(
    { format: '{name} {bar} {value}/{total} {note}', hideCursor: true, clearOnComplete: false, linewrap: false },
    Presets.shades_classic,
  )
  readonly #bars = new Map<string, SingleBar>()

  show(flow: WorkflowRun, tally: Map<string, Counts>, leftMs: number | undefined): void {
    const rows = [...tally]
    const width = Math.max(...rows.slice(0, mostBars).map(([name]) => name.length), 5)
    for (const [name, counts] of rows.length > mostBars ? rows.slice(0, mostBars - 1) : rows)
      this.#bar(name, width, counts)
    const eta = endedRuns.includes(flow.status)
      ? flow.status
      : leftMs === undefined
        ? flow.status
        : `${flow.status}, about ${formatDuration(leftMs)} left`
    this.#bar('all', width, flow.record.counts, eta)
  }

  stop(): void {
    this.#multi.stop()
  }

  #bar(name: string, width: number, counts: Counts, note = noteOf(counts)): void {
    const bar = this.#bars.get(name) ?? this.#multi.create(totalOf(counts), 0)
    this.#bars.set(name, bar)
    bar.setTotal(totalOf(counts))
    bar.update(doneOf(counts), { name: name.padEnd(width), note })
  }
}

class Lines implements View {
  #last = ''

  show(flow: WorkflowRun): void {
    const { counts, total } = flow.record
    const text = [flow.status, `${doneOf(counts)}/${total}`, noteOf(counts)].filter(Boolean).join('\t')
    if (text !== this.#last) line(text)
    this.#last = text
  }

  stop(): void {
    this.#last = ''
  }
}

function noteOf(counts: Counts): string {
  const told: StoredState[] = ['running', 'queued', 'delayed', 'failed']
  return told
    .filter((state) => counts[state])
    .map((state) => `${counts[state]} ${state}`)
    .join(', ')
}
