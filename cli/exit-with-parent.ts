/** Set for commands that `dev` and `demo` start: they leave when the channel to their owner closes. */
export const PARENT_VARIABLE = 'RESQUE_RUNTIME_OWNED'
/** From TERM to KILL, for the command and for what it owns. */
export const GRACE_MS = 10_000

/** Called once by the command itself: when it was started by another one (child-command.ts), it leaves with its owner. */
export function exitWithParent(): void {
  if (process.env[PARENT_VARIABLE] === undefined || !process.channel) return
  delete process.env[PARENT_VARIABLE]
  process.once('disconnect', () => {
    process.kill(process.pid, 'SIGTERM')
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS / 2).unref()
  })
  process.channel.unref()
}

/** How often a command looks whether npm still runs. */
const LOOK_EVERY_MS = 1000

/**
 * Watches npm or npx, where it started this command: it does not forward all signals, and cannot forward SIGKILL. The
 * parent of a command that was not started by npm may end at once, such as a shell with `runtime dev &`.
 * @param ended called once, when the process that started this one has ended
 * @returns stops watching
 */
export function onNpmExit(ended: () => void): () => void {
  const parent = process.ppid
  if (process.env['npm_command'] === undefined || parent <= 1) return () => undefined
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    ended()
  }, LOOK_EVERY_MS)
  return () => clearInterval(timer)
}
