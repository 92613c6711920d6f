/** What a signal asks of a worker. */
export type WorkerVerb = 'quit' | 'terminate' | 'kill children' | 'pause' | 'resume' | 'reload' | 'show stacks'

/**
 * The signals of `runtime work`: Resque's own (resque's Worker#register_signal_handlers); HUP, which starts the
 * application; and TTIN, which logs where each job is, as Sidekiq's does. SIGUSR1 is taken from Node's inspector, which a worker must not open.
 */
export const workerSignals: Readonly<Partial<Record<NodeJS.Signals, WorkerVerb>>> = {
  SIGQUIT: 'quit',
  SIGTERM: 'terminate',
  SIGINT: 'terminate',
  SIGUSR1: 'kill children',
  SIGUSR2: 'pause',
  SIGCONT: 'resume',
  SIGHUP: 'reload',
  SIGTTIN: 'show stacks',
}
