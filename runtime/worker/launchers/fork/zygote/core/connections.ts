import { EventEmitter } from 'node:events'
import net from 'node:net'
import { setImmediate as nextTick } from 'node:timers/promises'
import { callerOf } from './origins.ts'
import { forkSide } from './fork-side.ts'

/** Rounds of the event loop for handles to close, and for libraries to learn of it: they do so within one or two. */
const TICKS = 5

/** A method that is lent out and put back. */
type Method = (this: never, ...args: unknown[]) => unknown

/**
 * Connections and servers that the application opened while it was loaded. No child can use them, and a client that
 * learns so only after the fork has sent its first request by then. So they are closed here, in the zygote, while its
 * event loop runs: pools, agents and clients take them out, and connect when a job asks for it.
 */
export class Connections {
  /** Each with the line that opened it. */
  readonly #open = new Map<net.Socket | net.Server, string>()
  readonly #endWatch: () => void
  /** Set while all is closed. */
  #heedErrors: (() => void) | undefined

  /** Begins to watch. Call before the application is loaded. */
  constructor() {
    const note = (one: net.Socket | net.Server, what: string, caller: () => unknown): void => {
      if (!forkSide.child) this.#open.set(one, `${what} in ${callerOf(caller)}`)
    }
    const isClosed = (): boolean => this.#heedErrors !== undefined && !forkSide.child
    const socket = net.Socket.prototype as unknown as { connect: Method }
    const server = net.Server.prototype as unknown as { listen: Method }
    const [{ connect }, { listen }] = [socket, server]
    socket.connect = function watched(this: net.Socket, ...args: unknown[]) {
      if (isClosed()) return refuse(this)
      note(this, 'a connection', watched)
      return Reflect.apply(connect, this, args)
    }
    server.listen = function watched(this: net.Server, ...args: unknown[]) {
      note(this, 'a server', watched)
      return Reflect.apply(listen, this, args)
    }
    this.#endWatch = () => {
      Object.assign(socket, { connect })
      Object.assign(server, { listen })
    }
  }

  /** The lines that opened what has been closed, or is to be. */
  get origins(): string[] {
    return [...new Set(this.#open.values())]
  }

  /**
   * Closes all that is open, and waits until the application has seen it. Until {@link allow}, clients that connect
   * again by themselves are refused, as by a server that is not there, and what the application makes of all this is
   * ignored: uncaught errors, and `process.exit` in a listener.
   */
  async close(): Promise<void> {
    this.#heedErrors = ignoreErrors()
    const closing = [...this.#open.keys()].filter(isOpen)
    for (const one of closing) {
      if (one instanceof net.Server) one.close()
      else one.destroy()
    }
    for (let tick = 0; tick < TICKS && closing.length > 0; tick += 1) await nextTick()
  }

  allow(): void {
    this.#heedErrors?.()
    this.#heedErrors = undefined
  }

  /** Ends the watch. */
  forget(): void {
    this.allow()
    this.#endWatch()
    this.#open.clear()
  }
}

const isOpen = (one: net.Socket | net.Server): boolean => (one instanceof net.Server ? one.listening : !one.destroyed)

function refuse(socket: net.Socket): net.Socket {
  const refusal = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })
  Object.assign(socket, { connecting: true })
  process.nextTick(() => socket.destroy(refusal))
  return socket
}

/**
 * Until the returned function is called, an `error` event without a listener is no error, an uncaught error
 * is ignored without any listener of the application being called, and `process.exit` returns.
 */
function ignoreErrors(): () => void {
  const emitter = EventEmitter.prototype as unknown as { emit: Method }
  const own = process as unknown as { emit: Method; exit: Method }
  const { emit } = emitter
  const { emit: processEmit, exit } = own
  emitter.emit = function (this: EventEmitter, ...args: unknown[]) {
    return args[0] === 'error' && this.listenerCount('error') === 0 ? false : Reflect.apply(emit, this, args)
  }
  own.emit = (...args: unknown[]) =>
    /^(uncaughtException|unhandledRejection)/.test(String(args[0])) ||
    Reflect.apply(processEmit, process as never, args)
  own.exit = () => undefined
  return () => {
    emitter.emit = emit
    Object.assign(own, { emit: processEmit, exit })
  }
}
