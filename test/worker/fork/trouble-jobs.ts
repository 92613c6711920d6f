// Jobs of the tests of trouble around the zygote.

/** A job module; `version` is in what some of them return. */
export const jobs = (version: number): string => `
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { Job } from 'resque-runtime'
export class Where extends Job {
  async perform(): Promise<unknown> { return [${version}, process.ppid] }
}
export class Notes extends Job {
  async perform(file: string): Promise<void> { appendFileSync(file, 'ran ') }
}
export class Waits extends Job {
  async perform(): Promise<unknown> { await new Promise((resolve) => this.signal.addEventListener('abort', resolve)); return ${version} }
}
/** Waits for a program of its own, which ends when it is told to. */
export class HasHelper extends Job {
  async perform(): Promise<unknown> {
    const helper = spawn('sleep', ['1000'])
    this.log(String(helper.pid))
    this.signal.addEventListener('abort', () => helper.kill('SIGINT'))
    return new Promise((resolve) => helper.on('exit', (code, signal) => resolve(signal)))
  }
}
export class Listens extends Job {
  async perform(file: string): Promise<void> { process.on('exit', (code) => appendFileSync(file, 'exit ' + code)) }
}
/** Leaves a process with the job's output and another environment behind. */
export class LeavesStranger extends Job {
  async perform(): Promise<number> {
    const program = 'while sleep 0.02; do echo SECRET; done'
    return spawn('sh', ['-c', program], { detached: true, env: { PATH: process.env.PATH }, stdio: 'inherit' }).pid ?? 0
  }
}
export class Begins extends Job {
  async perform(file: string): Promise<void> { appendFileSync(file, 'began'); await new Promise((resolve) => setTimeout(resolve, 400)) }
}
export class Sleeps extends Job {
  async perform(): Promise<void> { await new Promise((resolve) => setTimeout(resolve, 200)) }
}`
