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
