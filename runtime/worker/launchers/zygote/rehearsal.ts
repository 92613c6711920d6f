import type { App } from '../../../jobs/app.ts'
import { Job } from '../../../jobs/job.ts'
import { Registry } from '../../../jobs/registry.ts'
import type { Assignment } from '../../protocol.ts'
import { Children } from './children.ts'
import { encodeFrame } from './frames.ts'
import type { JobChannel } from './job-channel.ts'
import { live } from './job.ts'
import type { Lines } from './lines.ts'
import { AF_UNIX, SOCK_STREAM_CLOEXEC, close, getpid, getppid, setpgid, socketpair, writeAll } from './libc.ts'

/** Enough for V8 to have compiled a function and allotted what it learns about it. */
const ROUNDS = 50

class Rehearsal extends Job {
  static override queue = 'rehearsal'
  async perform(): Promise<number> {
    await Promise.resolve()
    return 1
  }
}

const assignment: Assignment = {
  phase: 'perform',
  jobId: 'rehearsal',
  className: 'Rehearsal',
  queue: 'rehearsal',
  args: '[1,"two",{"three":3}]',
  attempt: 1,
  worker: 'rehearsal',
  keepResult: true,
  niceness: 0,
}

/** What is rehearsed with. */
export interface Props {
  lines: Lines
  channel: JobChannel
  makeDistinct: () => void
}

/**
 * Goes through what every child does, here in the zygote: code that was run here is compiled, and its compiled form is
 * shared by all children; else each child compiles it anew, which costs it more than all the rest. There are no lines
 * yet, so that none is taken over.
 */
export async function rehearse({ lines, channel, makeDistinct }: Props): Promise<void> {
  const registry = new Registry()
  registry.addModule({ Rehearsal }, 'rehearsal')
  const app: App = { registry, hooks: {} }
  const title = process.title
  const usage = new Uint8Array(0)
  for (let round = 0; round < ROUNDS; round += 1) {
    setpgid(0, 0)
    getppid()
    getpid()
    new Children(-1, usage).forget()
    makeDistinct()
    lines.adopt(0)
    await withSupervisor(channel, () => live(app, channel, { line: 0, assignment: undefined, refused: undefined }))
  }
  process.title = title
}

/** Plays the supervisor: the assignment lies in the socket before it is asked for. */
async function withSupervisor(channel: JobChannel, act: () => Promise<unknown>): Promise<void> {
  const pair = new Int32Array(2)
  socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, pair)
  const [ours = -1, theirs = -1] = pair
  writeAll(theirs, encodeFrame({ type: 'assignment', assignment }))
  channel.open(ours)
  await act()
  channel.open(-1)
  close(ours)
  close(theirs)
}
