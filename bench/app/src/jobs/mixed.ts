// Jobs that each do one thing a fork can break, or end in one way a job can end.
import { execFile } from 'node:child_process'
import { pbkdf2, randomBytes } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { Job } from 'resque-runtime'

export class Allocates extends Job {
  perform(): number {
    let kept: { index: number; text: string }[] = []
    for (let index = 0; index < 100_000; index += 1) {
      kept.push({ index, text: `item ${index}` })
      if (index % 20_000 === 0) kept = []
    }
    return kept.length
  }
}

export class Files extends Job {
  async perform(): Promise<void> {
    const path = join(tmpdir(), `resque-runtime-soak-${process.pid}-${randomBytes(4).toString('hex')}`)
    await writeFile(path, 'x'.repeat(10_000))
    const read = await readFile(path, 'utf8')
    await rm(path)
    if (read.length !== 10_000) throw new Error(`read ${read.length} characters`)
  }
}

export class Hashes extends Job {
  async perform(): Promise<string> {
    return (await promisify(pbkdf2)('secret', randomBytes(16), 1000, 32, 'sha512')).toString('hex')
  }
}

export class Compresses extends Job {
  perform(): number {
    return gzipSync(randomBytes(100_000)).length
  }
}

export class Sleeps extends Job {
  async perform(): Promise<void> {
    await Promise.all([1, 3, 5].map((ms) => sleep(ms)))
  }
}

export class Talks extends Job {
  async perform(): Promise<void> {
    const server = createServer((socket) => socket.pipe(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.end('hello')
    let heard = ''
    for await (const chunk of socket) heard += String(chunk)
    server.close()
    if (heard !== 'hello') throw new Error(`heard ${heard}`)
  }
}

export class Executes extends Job {
  async perform(): Promise<void> {
    await promisify(execFile)('/bin/true')
  }
}

export class Throws extends Job {
  perform(): void {
    throw new RangeError('thrown on purpose')
  }
}

export class Exits extends Job {
  perform(): void {
    process.exit(3)
  }
}

export class KillsItself extends Job {
  async perform(): Promise<void> {
    process.kill(process.pid, 'SIGKILL')
    await new Promise(() => void setInterval(() => undefined, 1000))
  }
}
