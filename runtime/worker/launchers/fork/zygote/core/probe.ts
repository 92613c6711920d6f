import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { createServer, connect as dial, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { getpid } from './libc.ts'

/**
 * What a probe child tries, in this order; the name of the last one begun is what a hang is reported as. Each stands
 * for a part of node that a fork can break.
 */
export const STAGES: readonly { name: string; run: (collectGarbage: () => void) => Promise<unknown> | void }[] = [
  { name: 'reading its own pid', run: checkPid },
  { name: 'collecting garbage', run: churn },
  { name: 'waiting for a timer', run: () => sleep(1) },
  { name: 'using the thread pool', run: () => stat('/') },
  { name: 'import() of a new module', run: () => import(`data:text/javascript,export default ${getpid()}`) },
  { name: 'starting a process', run: startProcess },
  { name: 'a connection to itself', run: talkToItself },
]

function checkPid(): void {
  if (process.pid !== getpid()) throw new Error(`process.pid is ${process.pid}, the kernel says ${getpid()}`)
}

function churn(collectGarbage: () => void): void {
  for (let round = 0; round < 12; round += 1) {
    const kept = Array.from({ length: 2000 }, (_, index) => ({ index, text: `item ${index}` }))
    collectGarbage()
    if (kept.length !== 2000) throw new Error('objects vanished in a garbage collection')
  }
}

function startProcess(): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('/bin/true', (error) => (error ? reject(new Error(error.message)) : resolve()))
  })
}

async function talkToItself(): Promise<void> {
  const server = createServer((socket) => socket.end('hello'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = dial((server.address() as AddressInfo).port, '127.0.0.1')
  let heard = ''
  for await (const chunk of socket) heard += String(chunk)
  server.close()
  if (heard !== 'hello') throw new Error(`a loopback connection said ${JSON.stringify(heard)}`)
}
