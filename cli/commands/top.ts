import { failedGroups } from '../../runtime/inspect/failed.ts'
import { overview } from '../../runtime/inspect/overview.ts'
import { runningSupervisors, usageHere } from '../../runtime/inspect/running.ts'
import { command } from '../command.ts'
import type { Context } from '../context.ts'
import { line } from '../output.ts'
import { topFrame, type TopView } from '../top-frame.ts'

/** Between two frames. */
const everyMs = 2000
const mostJobs = 200
/** In raw mode the terminal sends it in place of SIGINT. */
const ctrlC = '\x03'
/** The alternate screen without a cursor, and back. */
const enter = '\x1b[?1049h\x1b[?25l'
const leave = '\x1b[?25h\x1b[?1049l'

/** `runtime top`: queues, running jobs and failures, live. */
export const topCommand = command<{ once: boolean }>({
  example: ['top --once', 'one frame, for a pipe'],
  flags: (yargs) => yargs.option('once', { type: 'boolean', default: false, describe: 'Print one frame and exit' }),
  run: async (context, { once }) => {
    const { stdin, stdout } = process
    if (once || !stdout.isTTY || !stdin.isTTY) {
      for (const text of topFrame(await read(context), stdout.columns ?? 120, stdout.rows ?? 60)) line(text)
      return 0
    }
    return live(context)
  },
})

async function read(context: Context): Promise<TopView> {
  const [seen, supervisors, { groups }] = await Promise.all([
    overview(context),
    runningSupervisors(context, mostJobs),
    failedGroups(context),
  ])
  return { seen, supervisors, usage: await usageHere(supervisors), failures: groups }
}

/** Draws until `q`, or a signal; either way the terminal is as it was. @returns the exit code */
async function live(context: Context): Promise<number> {
  const { stdin, stdout } = process
  let wake = (): void => undefined
  let exitCode: number | undefined
  const end = (code: number) => (): void => {
    exitCode ??= code
    wake()
  }
  const onKey = (key: Buffer): void => void (['q', ctrlC].includes(key.toString()) && end(0)())
  const signals = { SIGTERM: end(143), SIGINT: end(130), SIGHUP: end(129) }
  const restore = (): void => void stdout.write(leave)
  for (const [signal, act] of Object.entries(signals)) process.on(signal, act)
  process.once('exit', restore)
  stdin.setRawMode(true).on('data', onKey)
  stdout.on('resize', () => wake())
  stdout.write(enter)
  try {
    while (exitCode === undefined) {
      const lines = topFrame(await read(context), stdout.columns, stdout.rows - 1)
      // One write a frame, over the last one: nothing flickers, also over ssh.
      stdout.write(`\x1b[H${lines.map((text) => `${text}\x1b[K\r\n`).join('')}\x1b[J[q] quit`)
      if (exitCode !== undefined) break
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, everyMs)
        wake = () => (clearTimeout(timer), resolve())
      })
    }
  } finally {
    stdin.off('data', onKey).setRawMode(false).pause()
    for (const [signal, act] of Object.entries(signals)) process.off(signal, act)
    process.off('exit', restore)
    restore()
  }
  return exitCode ?? 0
}
