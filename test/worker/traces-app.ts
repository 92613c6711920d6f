// An application whose jobs leave, or do not leave, something in their process.
const jobs = `
import { spawn } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { Job } from 'resque-runtime'
/** Leaves no trace, but for what it counts. */
export class Clean extends Job {
  static count = 0
  async perform(): Promise<{ pid: number; count: number }> { Clean.count += 1; return { pid: process.pid, count: Clean.count } }
}
export class Does extends Job {
  async perform(what: string): Promise<number> {
    if (what === 'throws') throw new Error('no')
    if (what === 'chdir') process.chdir('/')
    if (what === 'umask') process.umask(process.umask() ^ 0o007)
    if (what === 'env') process.env['TRACE'] = '1'
    if (what === 'timer') setInterval(() => undefined, 1000)
    if (what === 'server') await new Promise<void>((resolve) => createServer().listen(0, '127.0.0.1', resolve))
    if (what === 'exit code') process.exitCode = 3
    if (what === 'listener') process.on('SIGHUP', () => undefined)
    if (what === 'process') spawn('sleep', ['1000'], { stdio: 'ignore' }).unref()
    if (what === 'closes') {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      server.close()
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    return process.pid
  }
}
export class Prints extends Job {
  async perform(text: string): Promise<number> { console.log(text); console.error(text + ' in trouble'); return process.pid }
}
/** What its process has, beside the job's own. */
export class Looks extends Job {
  async perform() {
    const opened = readdirSync('/proc/self/fd').map((fd) => { try { return readlinkSync('/proc/self/fd/' + fd) } catch { return '' } })
    return { lists: opened.filter((path) => path.endsWith('/children')), listeners: process.listenerCount('uncaughtExceptionMonitor'), title: process.title }
  }
}
/** Goes on after its end. */
export class Lingers extends Job {
  async perform(): Promise<number> {
    setTimeout(() => { this.progress(9, 9, 'late'); this.log('late') }, 20).unref()
    return process.pid
  }
}
export class Sleeps extends Job {
  async perform(ms: number): Promise<number> { this.log('begun'); await new Promise((resolve) => setTimeout(resolve, ms)); return process.pid }
}
export class Burns extends Job {
  async perform(ms: number): Promise<number> { for (const from = process.cpuUsage().user; process.cpuUsage().user - from < ms * 1000; ) for (let n = 0; n < 1e6; n += 1); return process.pid }
}
/** Obeys when it is asked to stop. */
export class Stops extends Job {
  async perform(): Promise<number> {
    const alive = setInterval(() => undefined, 1000)
    await new Promise((resolve) => this.signal.addEventListener('abort', resolve))
    clearInterval(alive)
    return process.pid
  }
}
`
const hooks = `
let calls = 0
export function afterFork() { calls += 1; setInterval(() => undefined, 60_000); process.env['AFTER_FORK'] = String(calls) }
`
/** Files of an application. */
export const jobsThatLeaveTraces = { 'src/jobs/all.ts': jobs, 'config/hooks.ts': hooks }
