import { storedError } from '../../store/queues/jobs.ts'
import { parseLossless } from '../../core/codec.ts'
import { kindOf } from '../../store/runs/run-kinds.ts'
import type { NodeMove } from '../../store/runs/pipelines.ts'
import type { RunRecord } from '../../store/runs/run-reader.ts'
import type { NodeRow } from '../../store/runs/run-table.ts'
import type { Store } from '../../store/store.ts'
import type { RunState } from '../run/run-state.ts'

/**
 * One run of a pipeline, as read. Times in milliseconds since 1970.
 * @example
 * ```ts
 * const [latest]: PipelineRunInfo[] = await pipelines().runs('example_pipeline')
 * ```
 */
export interface PipelineRunInfo {
  /** The run's id. */
  id: string
  /** The pipeline's name. */
  pipeline: string
  /** Of the definition it runs. */
  version: number
  /** Runs of one pipeline with different instance numbers may be under way at the same time. */
  instance: number
  /** The step it began with, where that was not the pipeline's first. */
  first: string | undefined
  /** `failed` is the run with a Stuck step. */
  status: RunState
  /** The first step that is not Complete yet; undefined when all are. */
  at: { step: string; state: StepState } | undefined
  /** When the run was made. */
  createdAtMs: number
  /** When its first step started. */
  startedAtMs: number | undefined
  /** When it finished, failed or was stopped. */
  endedAtMs: number | undefined
}

/**
 * One step of a run, as read.
 * @example
 * ```ts
 * const { steps } = await pipelines().show('0mb2k3x7f4q8')
 * const stuck: PipelineStepInfo | undefined = steps.find(({ state }) => state === 'Stuck')
 * ```
 */
export interface PipelineStepInfo {
  /** Its node's number in the run. */
  index: number
  /** Its name in pipelines.yml. */
  name: string
  /** The class of its job. */
  class: string
  /** The queue of its job. */
  queue: string
  /** Rush's state: Waiting, Ready, Running, Complete, Stuck. */
  state: StepState
  /** A person let the run go on without it. */
  skipped: boolean
  /** How often it was started. */
  attempts: number
  /** When it is Ready again, while it waits out a retry gap. */
  readyAtMs: number | undefined
  /** All it went through. */
  moves: StepMove[]
  /** What its job gets. */
  params: Record<string, unknown>
  /** The error of its last failed attempt. */
  error: { name: string; message: string } | undefined
}

/** A run as read now, without its steps. */
export async function currentRun(store: Store, record: RunRecord, nowMs: number): Promise<PipelineRunInfo> {
  return runInfo(record, await loadSteps(store, record, nowMs))
}

/** A run's own record as a pipeline's. */
export function runInfo(record: RunRecord, steps: readonly PipelineStepInfo[]): PipelineRunInfo {
  const { fields } = record
  const step = steps.find(({ state }) => state !== 'Complete')
  return {
    id: record.id,
    pipeline: fields.pipeline ?? record.class,
    version: Number(fields.version ?? 0),
    instance: Number(fields.instance ?? 1),
    first: fields.first,
    status: record.status,
    at: step && { step: step.name, state: step.state },
    createdAtMs: record.createdAt,
    startedAtMs: record.startedAt,
    endedAtMs: record.endedAt,
  }
}

/** The steps of a run with their states, times and errors. */
export async function loadSteps(store: Store, record: RunRecord, nowMs: number): Promise<PipelineStepInfo[]> {
  const { read } = store.runs
  const rows = await read.nodes(record.id, 0, record.total)
  const indexes = rows.map(({ index }) => index)
  const [kinds, labels, params, moves, failed] = await Promise.all([
    read.kinds(record.id),
    read.labels(record.id),
    read.texts(record.id, 'params', indexes),
    store.pipelines.moves(record.id),
    read.failed(record.id, rows.length),
  ])
  return rows.map((row, i) => {
    const own = moves.filter(({ index }) => index === row.index)
    const dueMs = dueOf(row, own)
    const error = failed.find(({ index }) => index === row.index)?.error
    return {
      index: row.index,
      name: labels.get(String(row.index)) ?? String(row.index),
      class: kindOf(kinds, row).class,
      queue: kindOf(kinds, row).queue,
      state: stepState(row, dueMs, nowMs),
      skipped: row.state === 'skipped',
      attempts: own.filter(({ to }) => to === 'running').length,
      readyAtMs: row.state === 'delayed' ? dueMs : undefined,
      moves: stepMoves(own, record.createdAt, nowMs),
      params: parseLossless(params[i] ?? '{}') as Record<string, unknown>,
      error: error === undefined ? undefined : storedError(error),
    }
  })
}

const dueOf = (row: NodeRow, moves: readonly NodeMove[]): number | undefined =>
  row.state === 'delayed' ? moves.at(-1)?.dueMs : undefined

/**
 * The states of a step: Waiting (its ready time has not come) → Ready → Running → Complete | Failed (then Waiting again,
 * for the retry gap) | Stuck (no attempt left).
 */
type StepState = 'Waiting' | 'Ready' | 'Running' | 'Complete' | 'Failed' | 'Stuck'

/** A state and when it was entered. */
interface StepMove {
  state: StepState
  atMs: number
}

/** The pipeline's name for each state of the engine. A skipped step is complete: the next one starts. */
const states: Record<string, StepState> = {
  waiting: 'Waiting',
  delayed: 'Waiting',
  queued: 'Ready',
  held: 'Ready',
  running: 'Running',
  finished: 'Complete',
  skipped: 'Complete',
  failed: 'Stuck',
  attempt_failed: 'Failed',
}

/**
 * What a step went through. The engine notes each move where it makes it; that a wait is over it need not note, since
 * the due time says so: Ready is then put in.
 * @param createdAtMs when the run was created: every step begins as Waiting
 */
function stepMoves(moves: readonly NodeMove[], createdAtMs: number, nowMs: number): StepMove[] {
  const found: StepMove[] = [{ state: 'Waiting', atMs: createdAtMs }]
  let dueMs: number | undefined
  const enter = (state: StepState, atMs: number): void => {
    if (found.at(-1)?.state !== state) found.push({ state, atMs })
  }
  for (const { to, atMs, dueMs: due } of moves) {
    if (dueMs !== undefined && to === 'running') enter('Ready', Math.min(dueMs, atMs))
    dueMs = to === 'delayed' ? (due ?? atMs) : undefined
    enter(states[to] ?? 'Waiting', atMs)
  }
  if (dueMs !== undefined && dueMs <= nowMs) enter('Ready', dueMs)
  return found
}

/** The present state of a step, by the node's own record. @param dueMs when a delayed node is due */
function stepState({ state }: Pick<NodeRow, 'state'>, dueMs: number | undefined, nowMs: number): StepState {
  if (state === 'delayed' && dueMs !== undefined && dueMs <= nowMs) return 'Ready'
  return states[state] ?? 'Waiting'
}
