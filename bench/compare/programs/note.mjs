// What a job of the comparison does, in Node: it appends one line of fixed width to the file of BENCH_ENDS, its mark and the
// machine's monotonic time in nanoseconds. Ruby and Python write the same line.
import { openSync, writeSync } from 'node:fs'

let file
export function note(mark) {
  file ??= openSync(process.env.BENCH_ENDS, 'a')
  writeSync(file, `${mark.padEnd(20)} ${String(process.hrtime.bigint()).padEnd(20)}\n`)
}

/** Notes that it runs, and runs until it is ended, or for a minute. */
export function stay() {
  note('stay')
  return new Promise((resolve) => setTimeout(resolve, 60_000))
}
