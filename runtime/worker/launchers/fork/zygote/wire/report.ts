import { writeAll } from '../core/libc.ts'
import { REPORT_BYTES, USAGE_OFFSET, type ReportKind } from './report-format.ts'

/** The zygote's pen for reports: one piece of memory, written over and over, since new memory costs every fork. */
export class Report {
  readonly #bytes = Buffer.alloc(REPORT_BYTES)
  /** Where wait4(2) puts its struct rusage. */
  readonly usage = this.#bytes.subarray(USAGE_OFFSET)

  /** False when the supervisor does not listen any more. `status`: see report-format.ts. */
  write(fd: number, kind: ReportKind, launch: number, pid: number, status: number): boolean {
    this.#bytes.writeUInt32LE(kind, 0)
    this.#bytes.writeUInt32LE(launch, 4)
    this.#bytes.writeInt32LE(pid, 8)
    this.#bytes.writeInt32LE(status, 12)
    return writeAll(fd, this.#bytes)
  }
}
