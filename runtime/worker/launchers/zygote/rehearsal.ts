import type { App } from '../../../jobs/app.ts'
import { Job } from '../../../jobs/job.ts'
import { Registry } from '../../../jobs/registry.ts'
import type { Assignment } from '../../protocol.ts'
import { jobTitle } from '../../titles.ts'
import { connectToSupervisor, setLimits } from './after-fork.ts'
import { Children } from './children.ts'
import type { JobChannel } from './job-channel.ts'
import { runJob } from './job.ts'
import { close, getpid, getppid, setpgid } from './libc.ts'

/** Enough for V8 to have compiled a function and allotted what it learns about it. */
const ROUNDS = 20

class Rehearsal extends Job {
  static override queue = 'rehearsal'
  async perform(): Promise<number> {
    await Promise.resolve()
    return 1
  }
}

/** What is rehearsed with. */
export interface Props {
  address: Uint8Array
  channel: JobChannel
  makeDistinct: () => void
}

/**
 * Goes through what every child does, here in the zygote: code that was run here is compiled, and its compiled form is
 * shared by all children; else each child compiles it anew, which costs it more than all the rest. The supervisor
 * knows no launch 0 and turns the connections away.
 */
export async function rehearse({ address, channel, makeDistinct }: Props): Promise<void> {
  const registry = new Registry()
  registry.addModule({ Rehearsal }, 'rehearsal')
  const app: App = { registry, hooks: {} }
  const assignment: Assignment = {
    phase: 'perform',
    jobId: 'rehearsal',
    className: 'Rehearsal',
    queue: 'rehearsal',
    args: '[1,"two",{"three":3}]',
    attempt: 1,
    worker: 'rehearsal',
    keepResult: true,
  }
  const title = process.title
  for (let round = 0; round < ROUNDS; round += 1) {
    setpgid(0, 0)
    getppid()
    getpid()
    new Children(-1).forget()
    makeDistinct()
    process.title = jobTitle(assignment)
    const fd = connectToSupervisor(address, 0)
    channel.open(fd)
    channel.send({ type: 'started', pid: process.pid })
    setLimits({ ...assignment, niceness: 0 })
    const outcome = await runJob(app, assignment, channel, undefined)
    channel.send({ type: 'outcome', outcome })
    channel.open(-1)
    close(fd)
  }
  process.title = title
}
