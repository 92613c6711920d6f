import { machine } from '../config/machine.ts'

/** What Windows knows: Ctrl-C, the console's close button, and what Node itself makes of `kill`. */
const WINDOWS_SIGNALS: readonly string[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * Installs a table of signals and gives back what takes them off again. Handlers only pass a word on: what it means is
 * the service's own affair.
 */
export function onSignals<Verb>(
  table: Readonly<Partial<Record<NodeJS.Signals, Verb>>>,
  obey: (verb: Verb) => void,
): () => void {
  const entries = (Object.entries(table) as [NodeJS.Signals, Verb][])
    .filter(([signal]) => machine.os() !== 'win32' || WINDOWS_SIGNALS.includes(signal))
    .map(([signal, verb]) => [signal, () => obey(verb)] as const)
  for (const [signal, handler] of entries) process.on(signal, handler)
  return () => {
    for (const [signal, handler] of entries) process.off(signal, handler)
  }
}
