import { SingleBar } from 'cli-progress'
import { line } from '../output.ts'

/** Shows how far the demo is. */
export interface Progress {
  /** One more job has ended. */
  step(what: string): void
  stop(): void
}

/** A bar on a terminal, a line a job in a pipe. */
export function showProgress(total: number): Progress {
  if (!process.stdout.isTTY) {
    let count = 0
    return { step: (what) => line(`${String((count += 1)).padStart(3)}/${total}  ${what}`), stop: () => undefined }
  }
  const bar = new SingleBar({
    format: '{bar} {value}/{total} jobs  {what}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
    fps: 20,
  })
  bar.start(total, 0, { what: '' })
  return { step: (what) => bar.increment(1, { what }), stop: () => bar.stop() }
}
