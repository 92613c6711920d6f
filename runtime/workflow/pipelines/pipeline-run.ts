import { parseLossless } from '../../core/codec.ts'
import type { NodeMove } from '../../store/runs/pipelines.ts'
import type { RunRecord } from '../../store/runs/run-reader.ts'
import type { NodeRow } from '../../store/runs/run-table.ts'
import type { Store } from '../../store/store.ts'
import type { RunState } from '../run/run-state.ts'
import { stepMoves, stepState, type StepMove, type StepState } from './states.ts'

/** One run of a pipeline, as read. Times in milliseconds since 1970. */
export interface PipelineRunInfo {
  id: string
  pipeline: string
  /** Of the definition it runs. */
  version: number
  instance: number
  /** The step it began with, where that was not the pipeline's first. */
  first: string | undefined
  /** `failed` is the run with a Stuck step. */
  status: RunState
  /** Where it stands: the step that is not Complete yet. */
  at: { step: string; state: StepState } | undefined
  createdAtMs: number
  startedAtMs: number | undefined
  endedAtMs: number | undefined
}

/** One step of a run, as read. */
export interface PipelineStepInfo {
  /** Its node's number in the run. */
  index: number
  name: string
  class: string
  queue: string
  state: StepState
  /** A person let the run go on without it. */
  skipped: boolean
  attempts: number
  /** When it is Ready again, while it waits out a retry gap. */
  readyAtMs: number | undefined
  /** All it went through. */
  moves: StepMove[]
  params: Record<string, unknown>
  error: { name: string; message: string } | undefined
}

/** A run's own record as a pipeline's. */
export function runInfo(record: RunRecord, at: PipelineRunInfo['at']): PipelineRunInfo {
  const { fields } = record
  return {
    id: record.id,
    pipeline: fields.pipeline ?? record.class,
    version: Number(fields.version ?? 0),
    instance: Number(fields.instance ?? 1),
    first: fields.first,
    status: record.status,
    at,
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
      class: kinds[row.kind]?.class ?? '?',
      queue: kinds[row.kind]?.queue ?? '?',
      state: stepState(row, dueMs, nowMs),
      skipped: row.state === 'skipped',
      attempts: own.filter(({ to }) => to === 'running').length,
      readyAtMs: row.state === 'delayed' ? dueMs : undefined,
      moves: stepMoves(own, record.createdAt, nowMs),
      params: parseLossless(params[i] ?? '{}') as Record<string, unknown>,
      error: error === undefined ? undefined : (JSON.parse(error) as { name: string; message: string }),
    }
  })
}

const dueOf = (row: NodeRow, moves: readonly NodeMove[]): number | undefined =>
  row.state === 'delayed' ? moves.at(-1)?.dueMs : undefined

/** The step a run stands at; undefined when all are Complete. */
export function whereItStands(steps: readonly PipelineStepInfo[]): PipelineRunInfo['at'] {
  const step = steps.find(({ state }) => state !== 'Complete')
  return step && { step: step.name, state: step.state }
}
