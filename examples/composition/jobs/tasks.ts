import { setTimeout as sleep } from 'node:timers/promises'
import { Job } from 'resque-runtime'

// Four tasks that take a moment each, so that what runs beside what can be seen.

export class Task1 extends Job {
  async perform() {
    await sleep(50)
  }
}

export class Task2 extends Job {
  async perform({ x }: { x: number }) {
    await sleep(50)
    return { doubled: 2 * x }
  }
}

export class Task3 extends Job {
  async perform() {
    await sleep(50)
  }
}

export class Task4 extends Job {
  async perform() {
    return { doubled: this.payload(Task2)?.doubled }
  }
}
