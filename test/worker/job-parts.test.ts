// Parts of a job's process and of its supervisor, each by itself: what they ask, answer and see.
import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { systemClock } from '../../runtime/core/clock.ts'
import type { StandardSchema } from '../../runtime/jobs/typed.ts'
import type { Assignment, ChildMessage, ParentMessage } from '../../runtime/messages.ts'
import type { Store } from '../../runtime/store/store.ts'
import { fillInput, memoryOf } from '../../runtime/worker/child/child-memory.ts'
import { Admission, limitsAnswer, memoryAnswer } from '../../runtime/worker/execution/admission.ts'
import { Inbox } from '../../runtime/worker/launchers/spawn/inbox.ts'
import { OpenResources } from '../../runtime/worker/stack/waiting-for.ts'
import { assignmentOf } from '../contracts/launcher.contract.ts'
import { keepingLogger } from '../scheduler/support.ts'

const withMemory = (): Assignment =>
  assignmentOf('A', [], {
    step: { workflowId: 'run', nodeId: 'n', workflowClass: 'W', params: '{}', payloads: [], memory: {} as never },
  })

describe("a step's memory, asked of the supervisor", () => {
  function asked(): { memory: NonNullable<ReturnType<typeof memoryOf>>; sent: ChildMessage[] } {
    const sent: ChildMessage[] = []
    const memory = memoryOf(withMemory(), { send: (message) => void sent.push(message), onMessage: () => undefined })
    return { memory: memory ?? assert.fail('expected a memory'), sent }
  }

  it('sends what is asked, and gives each answer to the one who asked', async () => {
    const { memory, sent } = asked()
    const [first, all, none] = [memory.get('a'), memory.read(), memory.read([])]
    assert.deepEqual(await none, {})
    assert.deepEqual(
      sent.map((message) => 'request' in message && message.request),
      [{ verb: 'read', keys: ['a'] }, { verb: 'read' }],
    )
    assert.ok(memory.isAsking)
    memory.hear({ type: 'memory', ask: 2, values: { a: '12345678901234567890' } })
    memory.hear({ type: 'memory', ask: 1, error: 'too large' })
    await assert.rejects(first, /too large/)
    assert.deepEqual(await all, { a: 12345678901234567890n })
    assert.equal(memory.isAsking, false)
    const writing = memory.set('b', { n: 1 })
    memory.hear({ type: 'memory', ask: 3 })
    await writing
    assert.deepEqual(sent.at(-1), {
      ...{ type: 'memory', ask: 3, request: { verb: 'write', values: { b: '{"n":1}' } } },
    })
  })

  it('refuses what is no key, or no JSON, and asks nothing then', async () => {
    const { memory, sent } = asked()
    for (const key of ['', 5 as never]) await assert.rejects(memory.get(key), { code: 'ERR_ARGUMENT' })
    await assert.rejects(memory.set('a', { f: () => 1 }), { code: 'ERR_NOT_JSON', message: /memory\.a\.f/ })
    assert.deepEqual(sent, [])
  })

  it('is there for a run that has one only', () => {
    assert.equal(memoryOf(assignmentOf('A', []), { send: () => undefined, onMessage: () => undefined }), undefined)
  })
})

describe("a typed step's input", () => {
  /** A schema that says of a value which keys it wants, by its issues. */
  const wanting = (...keys: string[]): StandardSchema =>
    ({
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: Record<string, unknown>) => {
          const missing = keys.filter((key) => value[key] === undefined)
          const extra = Object.keys(value).filter((key) => !keys.includes(key))
          const issues = [...missing, ...extra].slice(0, 1).map((key) => ({ message: 'wrong', path: [key] }))
          return issues.length > 0 ? { issues } : { value }
        },
      },
    }) as unknown as StandardSchema
  const memory = { a: 1, b: 2, c: 3 }
  const read = async (keys?: readonly string[]): Promise<Record<string, unknown>> =>
    Object.fromEntries(Object.entries(memory).filter(([key]) => keys?.includes(key) ?? true))

  it('that is no object is left as it is', async () => {
    for (const given of ['text', 5, [1]]) assert.equal(await fillInput(wanting('a'), given, read), given)
  })

  it('is all of memory where that fits, else only what is asked for, and what was given goes first', async () => {
    assert.deepEqual(await fillInput(wanting('a', 'b', 'c'), { a: 9 }, read), { a: 9, b: 2, c: 3 })
    assert.deepEqual(await fillInput(wanting('a', 'b'), null, read), { a: 1, b: 2 })
    assert.deepEqual(await fillInput(wanting('a', 'toString'), undefined, read), { a: 1 })
  })
})

describe('what a spawned process is sent', () => {
  const message = (ask: number): ParentMessage => ({ type: 'memory', ask })

  it('waits for a job and its listener, and what came for a job before is dropped', async () => {
    const inbox = new Inbox(() => undefined)
    const heard: ParentMessage[] = []
    inbox.take({ type: 'assignment', assignment: assignmentOf('First', []) })
    assert.equal((await inbox.assignment()).className, 'First')
    inbox.take(message(1))
    inbox.listen((each) => void heard.push(each))
    inbox.take(message(2))
    assert.deepEqual(heard, [message(1), message(2)])
    inbox.take({ type: 'assignment', assignment: assignmentOf('Second', []) })
    inbox.take(message(3))
    const second = inbox.assignment()
    assert.equal((await second).className, 'Second')
    assert.equal(heard.length, 2)
  })

  it('and an answer about a job that has ended meanwhile is not sent', async () => {
    const sent: ChildMessage[] = []
    const inbox = new Inbox((each) => void sent.push(each))
    const next = (className: string): void =>
      inbox.take({ type: 'assignment', assignment: assignmentOf(className, []) })
    next('First')
    inbox.take({ type: 'where', withinMs: 10 })
    next('Second')
    inbox.take({ type: 'where', withinMs: 10 })
    const until = performance.now() + 2000
    while (sent.length === 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(
      sent.map(({ type }) => type),
      ['waiting'],
    )
  })
})

it('what a job waits for is named: servers, sockets, child processes, how many of each, and the next timer', async () => {
  const resources = new OpenResources()
  const servers = [createServer(), createServer()]
  for (const server of servers) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  const { port } = servers[0]?.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const sleeper = spawn('sleep', ['60'])
  const timers = [setTimeout(() => undefined, 60_000), setTimeout(() => undefined, 90_000)]
  try {
    const { waitingFor } = await resources.look(0)
    assert.ok(waitingFor.includes('2 timers'), waitingFor.join('; '))
    assert.ok(waitingFor.includes(`1 server on 127.0.0.1:${port}`), waitingFor.join('; '))
    assert.ok(waitingFor.includes(`1 socket to 127.0.0.1:${port}`))
    assert.ok(waitingFor.includes(`1 child process ${sleeper.pid} (sleep)`))
    assert.ok(!waitingFor.some((text) => text.includes('pipe')), 'those of the child process say no more')
  } finally {
    for (const timer of timers) clearTimeout(timer)
    socket.destroy()
    for (const server of servers) server.close()
    sleeper.kill()
    await once(sleeper, 'exit')
  }
})

describe('whether a job may begin', () => {
  const job = { id: 'j', delivery: 1, worker: 'w' } as never
  function admission(begin: () => Promise<boolean>, supervisorId: () => string | undefined): [Admission, string[]] {
    const { log, lines } = keepingLogger()
    const store = { supervisors: { begin } } as unknown as Store
    return [new Admission({ store, clock: systemClock, log, supervisorId }), lines]
  }

  it('is asked again while Redis is away, and no when the lease is gone, before or meanwhile', async () => {
    let tries = 0
    const [asking, lines] = admission(
      async () => {
        tries += 1
        if (tries === 1) throw new RuntimeError('ERR_REDIS', 'away')
        return tries === 2
      },
      () => 's',
    )
    assert.deepEqual([await asking.begin(job, false), await asking.begin(job, false)], ['granted', 'lost'])
    assert.match(lines.join(''), /job j: Redis cannot be asked yet whether it may start: away \[ERR_REDIS\]/)
    const [gone] = admission(
      () => assert.fail('not asked'),
      () => undefined,
    )
    assert.equal(await gone.begin(job, false), 'lost')
    const ids = ['one', 'two']
    const [frozen] = admission(
      async () => true,
      () => ids.shift(),
    )
    assert.equal(await frozen.begin(job, false), 'lost')
    const [broken] = admission(
      () => Promise.reject(new Error('a fault')),
      () => 's',
    )
    await assert.rejects(broken.begin(job, false), /a fault/)
  })

  it('is answered to its process in any case', async () => {
    assert.deepEqual(await limitsAnswer(Promise.resolve('held')), { type: 'answer', granted: false })
    assert.deepEqual(await limitsAnswer(Promise.resolve('granted')), { type: 'answer', granted: true })
    const fault = Promise.reject(new Error('a fault'))
    assert.deepEqual(await limitsAnswer(fault as never), { type: 'answer', granted: false, error: 'a fault' })
    assert.deepEqual(await memoryAnswer(3, fault), { type: 'memory', ask: 3, error: 'a fault' })
  })
})
