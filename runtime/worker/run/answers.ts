import { toError } from '../../core/errors.ts'
import type { Admitted } from './admission.ts'
import type { ParentMessage } from '../../wire.ts'

/** What the process of a job is told when it has asked for permits. Never rejects: the process waits for its answer. */
export function permitsAnswer(admitted: Promise<Admitted>): Promise<ParentMessage> {
  return admitted.then(
    (word) => ({ type: 'answer', granted: word === 'granted' }),
    (thrown: unknown) => ({ type: 'answer', granted: false, error: toError(thrown).message }),
  )
}

/** What it is told when it has asked something of its run's memory; JSON texts by key. Never rejects. */
export function memoryAnswer(ask: number, values: Promise<Record<string, string>>): Promise<ParentMessage> {
  return values.then(
    (texts) => ({ type: 'memory', ask, values: texts }),
    (thrown: unknown) => ({ type: 'memory', ask, error: toError(thrown).message }),
  )
}
