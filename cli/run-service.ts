/**
 * Installs a table of signals and gives back what takes them off again. Handlers only pass a word on: what it means is
 * the service's own affair.
 */
export function onSignals<Verb>(
  table: Readonly<Partial<Record<NodeJS.Signals, Verb>>>,
  obey: (verb: Verb) => void,
): () => void {
  const entries = (Object.entries(table) as [NodeJS.Signals, Verb][]).map(
    ([signal, verb]) => [signal, () => obey(verb)] as const,
  )
  for (const [signal, handler] of entries) process.on(signal, handler)
  return () => {
    for (const [signal, handler] of entries) process.off(signal, handler)
  }
}
