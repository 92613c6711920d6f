/** Requests that are worked on at a time, that wait, and how long they wait before they are sent away. */
const atOnce = 24
const maxWaiting = 1000
const longestWaitMs = 1500

/** Keeps a flood of requests from taking all memory: a few at a time, the others wait a little, then are sent away. */
export class RequestQueue {
  #active = 0
  readonly #waiting = new Set<(mayGo: boolean) => void>()

  /** Runs `work` when it may; undefined when too many others are before it. */
  async take<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (!(await this.#mayGo())) return undefined
    try {
      return await work()
    } finally {
      this.#active -= 1
      const [next] = this.#waiting
      next?.(true)
    }
  }

  async #mayGo(): Promise<boolean> {
    if (this.#active < atOnce) {
      this.#active += 1
      return true
    }
    if (this.#waiting.size >= maxWaiting) return false
    return new Promise((resolve) => {
      const answer = (mayGo: boolean): void => {
        clearTimeout(timer)
        this.#waiting.delete(answer)
        if (mayGo) this.#active += 1
        resolve(mayGo)
      }
      const timer = setTimeout(() => answer(false), longestWaitMs)
      this.#waiting.add(answer)
    })
  }
}
