/** A part of a process that runs until it is stopped. */
export interface Service {
  /** For logs: `supervisor`, `scheduler`. */
  readonly name: string
  /** Resolves when it works; a second call is harmless. */
  start(): Promise<void>
  /** Resolves when it has released everything; a second call, or one without a start, is harmless. */
  stop(): Promise<void>
}

/**
 * Starts services in order; when one refuses, those already started are stopped in reverse.
 * @param isOver true when a stop was requested meanwhile: then no more are started
 */
export async function startAll(services: readonly Service[], isOver: () => boolean = () => false): Promise<void> {
  const started: Service[] = []
  try {
    for (const service of services) {
      if (isOver()) return
      started.push(service)
      await service.start()
    }
  } catch (error) {
    await stopAll(started)
    throw error
  }
}

/** Stops services in reverse order; one that refuses does not keep the others, and its error is thrown at the end. */
export async function stopAll(services: readonly Service[]): Promise<void> {
  const failures: unknown[] = []
  for (const service of [...services].reverse()) await service.stop().catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0]
}
