import { once } from 'node:events'
import { Socket } from 'node:net'
import type { App } from '../../../../../jobs/app.ts'
import { Job } from '../../../../../jobs/job.ts'
import { withoutTelemetry } from '../../../../../jobs/telemetry.ts'
import { Registry } from '../../../../../jobs/registry.ts'
import type { Assignment } from '../../../../../messages.ts'
import { encodeFrame } from '../wire/frames.ts'
import { becomeChild } from '../core/after-fork.ts'
import { ZygoteResources, InheritedSockets, openDescriptors, type LateDescriptors } from '../core/descriptors.ts'
import type { JobChannel } from '../wire/job-channel.ts'
import { type EnvironmentMark } from '../child-identity/environment-mark.ts'
import { runJobs } from '../core/job.ts'
import type { ConnectionPairs } from '../wire/connection-pairs.ts'
import {
  AF_UNIX,
  O_CLOEXEC,
  SOCK_STREAM_CLOEXEC,
  close,
  doNothing,
  getppid,
  socketpair,
  writeAll,
} from '../core/libc.ts'
import { ZygoteLoop } from '../core/loop.ts'
import { forkSide } from '../core/fork-side.ts'

/** Enough for V8 to have compiled what is run. */
export const ROUNDS_TO_COMPILE = 2
/** Enough for V8 to have allotted what it learns of a function, and to have learnt it. */
export const ROUNDS_TO_LEARN = 50
/** Processes that run many jobs, and their jobs: enough for V8 to have optimised what it would optimise in each of them. */
const PROCESSES_TO_OPTIMIZE = 80
/** Messages of so many jobs have room in a socket that is not read. */
const JOBS_OF_PROCESS = 32
/** So many that V8 expects no class in particular. */
const CLASSES = 24

/** SOCK_SEQPACKET, closed on exec: each message is read by itself. */
const SOCK_SEQPACKET_CLOEXEC = 5 | O_CLOEXEC

const NO_DESCRIPTOR = -1
const NO_LOOP = 0n
const NOWHERE = Buffer.from('/dev/null\0')
const NOTHING = Buffer.from('0')

class WarmUpJob extends Job {
  static override queue = 'warm-up'
  async perform(): Promise<number> {
    await Promise.resolve()
    return 1
  }
}

const assignment: Assignment = {
  phase: 'perform',
  jobId: 'warm-up',
  className: 'WarmUpJob',
  queue: 'warm-up',
  args: '[1,"two",{"three":3}]',
  attempt: 1,
  worker: 'warm-up',
  maxResultBytes: 1,
}

/**
 * Goes through what every job does, here in the zygote: code that was run here is compiled, and its compiled form is
 * shared by all children; else each child compiles it again, which takes longer than all the rest.
 */
export async function warmUp({ channel, rounds }: { channel: JobChannel; rounds: number }): Promise<void> {
  const registry = new Registry()
  registry.addModule({ WarmUpJob }, 'warm-up')
  const app: App = { registry, hooks: {} }
  await asSupervisor(channel, [assignment], rounds, () =>
    runJobs(app, channel, { pair: 0, assignment: undefined, refused: undefined }),
  )
}

/** The same for a process that runs many jobs: all of what it does for each is optimised here, so that not each process does that. */
export async function warmUpReuse(channel: JobChannel): Promise<void> {
  const classes = Array.from({ length: CLASSES }, (_, n) => warmUpClass(`WarmUpJob${n}`))
  const registry = new Registry()
  registry.addModule(Object.fromEntries(classes.map((made) => [made.wireName, made])), 'warm-up')
  const app: App = { registry, hooks: {} }
  const assignments = Array.from({ length: JOBS_OF_PROCESS }, (_, n) => ({
    ...assignment,
    className: classes[n % CLASSES]?.wireName ?? '',
  }))
  await asSupervisor(channel, assignments, PROCESSES_TO_OPTIMIZE, () =>
    runJobs(app, channel, { pair: 0, assignment: undefined, refused: undefined }, JOBS_OF_PROCESS),
  )
}

function warmUpClass(name: string): typeof WarmUpJob & { wireName: string } {
  return class extends WarmUpJob {
    static override wireName = name
    override async perform(): Promise<number> {
      await Promise.resolve()
      return 1
    }
  }
}

/**
 * The same for standard output and error, which Node opens when a job first prints, and each process that is to run several jobs:
 * most of that is code of sockets, and takes a child milliseconds to load.
 */
export async function warmUpOutput(): Promise<void> {
  const pair = new Int32Array(2)
  socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, pair)
  const [ours = -1, theirs = -1] = pair
  const output = new Socket({ fd: ours, readable: false, writable: true })
  output.destroy()
  await once(output, 'close')
  close(theirs)
}

/** What {@link warmUpFork} needs. */
export interface ForkWarmUp {
  mark: EnvironmentMark
  pairs: ConnectionPairs
  late: LateDescriptors
  makeDistinct: () => void
  rounds: number
}

/**
 * The same for the first steps of a child, with a zygote's loop and descriptors that are not used otherwise. While it
 * lasts this process takes itself for a child, so nothing else may run.
 */
export function warmUpFork({ mark, pairs, late, makeDistinct, rounds }: ForkWarmUp): void {
  const sockets = new InheritedSockets([...openDescriptors().keys()])
  const resources = new ZygoteResources(NO_DESCRIPTOR, new ZygoteLoop(mark, pairs, late, () => undefined), sockets)
  const inheritance = { zygotePid: getppid(), loop: NO_LOOP, renewLoop: doNothing, resources, makeDistinct }
  for (let round = 0; round < rounds; round += 1) {
    becomeChild({ ...inheritance, oomFile: NOWHERE, oomScore: NOTHING })
    pairs.adopt(0)
    forkSide.child = false
  }
}

/** Plays the supervisor: the assignments of a round lie in the socket before they are asked for, each to be read by itself. */
async function asSupervisor(
  channel: JobChannel,
  assignments: readonly Assignment[],
  rounds: number,
  act: () => Promise<unknown>,
): Promise<void> {
  const title = process.title
  const frames = assignments.map((each) => encodeFrame({ type: 'assignment', assignment: each }))
  for (let round = 0; round < rounds; round += 1) {
    const pair = new Int32Array(2)
    socketpair(AF_UNIX, SOCK_SEQPACKET_CLOEXEC, 0, pair)
    const [ours = -1, theirs = -1] = pair
    for (const frame of frames) writeAll(theirs, frame)
    channel.open(ours)
    await withoutTelemetry(act)
    channel.open(-1)
    close(ours)
    close(theirs)
  }
  process.title = title
}
