import { failedGroups } from '../../runtime/inspect/failed.ts'
import { overview } from '../../runtime/inspect/overview.ts'
import { runningSupervisors, usageOf } from '../../runtime/inspect/running.ts'
import { command } from '../command.ts'
import type { Context } from '../context.ts'
import { line } from '../output.ts'
import { topFrame, type TopView, keysOf, handleKey, topHelp, type TopKeys } from '../top-screen.ts'
import { clip, printable } from '../../config/clip.ts'

/** Between two frames. */
const everyMs = 2000
const mostJobs = 200
/** In raw mode the terminal sends it in place of SIGINT. */
const ctrlC = '\x03'
/** The alternate screen without a cursor, and back. */
const enter = '\x1b[?1049h\x1b[?25l'
const leave = '\x1b[?25h\x1b[?1049l'

/** `runtime top`: queues, running jobs and failures, live, with keys to change them. */
export const topCommand = command<{ once: boolean }>({
  shows: true,
  example: ['top', 'live; keys pause, retry, cancel and show stacks'],
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
  return { seen, supervisors, usage: usageOf(supervisors), failures: groups }
}

/** One write a frame, over the last one: nothing flickers, also over ssh. */
function screen(view: TopView, keys: TopKeys, columns: number, rows: number): string {
  const lines = keys.page?.map((text) => printable(clip(text, columns))) ?? topFrame(view, columns, rows - 1, keys)
  const foot = keys.question ? `${keys.question.text} [y/n]` : (keys.note ?? topHelp)
  const body = lines.slice(0, rows - 1).map((text) => `${text}\x1b[K\r\n`)
  return `\x1b[H${body.join('')}\x1b[J${printable(clip(foot, columns - 1))}`
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
  const typed: string[] = []
  const onKey = (keys: Buffer): void => {
    typed.push(...keysOf(keys.toString()))
    if (typed.includes(ctrlC)) end(0)()
    wake()
  }
  const signals = { SIGTERM: end(143), SIGINT: end(130), SIGHUP: end(129) }
  const restore = (): void => void stdout.write(leave)
  for (const [signal, act] of Object.entries(signals)) process.on(signal, act)
  process.once('exit', restore)
  stdin.setRawMode(true).on('data', onKey)
  stdout.on('resize', () => wake())
  stdout.write(enter)
  try {
    let keys: TopKeys = { section: 'queues', row: 0 }
    while (exitCode === undefined) {
      const view = await read(context)
      stdout.write(screen(view, keys, stdout.columns, stdout.rows))
      for (let key = typed.shift(); key !== undefined && exitCode === undefined; key = typed.shift()) {
        if (key === 'q') end(0)()
        else keys = await handleKey(key, keys, view, context, stdout.rows - 1)
        stdout.write(screen(view, keys, stdout.columns, stdout.rows))
      }
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
