import { execFile } from 'node:child_process'

/**
 * Tells systemd how a `Type=notify` service fares, through its own `systemd-notify` (Node has no datagram sockets of that
 * kind); nothing where no service manager asks. Units: examples/deploy.
 * @param state such as `READY=1`
 */
export function tellServiceManager(state: string): void {
  if (process.env['NOTIFY_SOCKET'] === undefined) return
  // The note's sender is not this process: the unit needs NotifyAccess=all, and MAINPID says who is meant.
  execFile('systemd-notify', [`--pid=${process.pid}`, state], () => undefined)
}

/**
 * Beats for systemd's watchdog (`WatchdogSec=`), at half its time, from the same event loop that beats for the lease: a
 * supervisor that hangs is started anew. @returns stops it
 */
export function startWatchdog(): () => void {
  const everyMs = Number(process.env['WATCHDOG_USEC'] ?? 0) / 2000
  if (!(everyMs > 0)) return () => undefined
  const timer = setInterval(() => tellServiceManager('WATCHDOG=1'), everyMs)
  return () => clearInterval(timer)
}
