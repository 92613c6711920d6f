import { Job } from 'resque-runtime'

/** What a careless job leaves behind in its process; CarefulJob looks for all of it. */
function litter(): void {
  Object.assign(globalThis, { litter: true })
  process.env['LITTER'] = 'yes'
  process.chdir('/')
}

export class ThrowsJob extends Job {
  static override queue = 'default'

  perform(order: number): void {
    litter()
    throw new RangeError(`order ${order} does not exist`)
  }
}

export class ExitsJob extends Job {
  static override queue = 'default'

  perform(): void {
    litter()
    process.exit(3)
  }
}

export class LoopsJob extends Job {
  static override queue = 'default'
  static override timeout = '1s'

  perform(): void {
    litter()
    for (;;);
  }
}

export class LeaksJob extends Job {
  static override queue = 'default'
  static override memoryLimit = '256mb'
  static override timeout = '20s'

  async perform(): Promise<void> {
    litter()
    const kept: Buffer[] = []
    // Bounded, so that the demo harms nobody where memory cannot be measured.
    while (kept.length < 100) {
      kept.push(Buffer.alloc(8 * 1024 ** 2, 1))
      await new Promise((resolve) => setTimeout(resolve, 15))
    }
    await new Promise((resolve) => setTimeout(resolve, 60_000))
  }
}

/** Runs after each of the above, and says what it can see of them. */
export class CarefulJob extends Job {
  static override queue = 'default'
  static override keepResult = '10 minutes'

  perform(after: string): { after: string; litter: string[] } {
    const found = [
      'litter' in globalThis ? 'a global' : '',
      process.env['LITTER'] === undefined ? '' : 'an environment variable',
      process.cwd() === '/' ? 'the working directory' : '',
    ]
    return { after, litter: found.filter((what) => what !== '') }
  }
}
