/** A promise that somebody else settles: tests wait for `fired`, the code under test calls `fire`. */
export interface TestSignal<T = void> {
  readonly fired: Promise<T>
  readonly fire: (value: T) => void
}

export function testSignal<T = void>(): TestSignal<T> {
  let fire!: (value: T) => void
  const fired = new Promise<T>((resolve) => (fire = resolve))
  return { fired, fire }
}

/** True while the process exists, zombies included. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
