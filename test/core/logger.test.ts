// What a log line looks like in each format, and that secrets do not get into it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLogger, type LogOptions } from '../../runtime/core/logger.ts'
import { redactor } from '../../runtime/core/redact.ts'

function linesOf(options: Partial<LogOptions>, say: (log: ReturnType<typeof createLogger>) => void): string[] {
  const lines: string[] = []
  say(createLogger({ level: 'info', format: 'json', ...options, write: (line) => lines.push(line) }))
  return lines
}

describe('redactor', () => {
  it('hides values by key at any depth, whatever the case, and leaves the rest and its input alone', () => {
    const given = {
      user: 'ann',
      Password: 'x',
      list: [{ accessToken: 'x', 'X-Api-Token': ['x'] }, { client_secret: { a: 'x' } }],
      headers: { Authorization: 'Bearer x', accept: 'y' },
      iban: 'x',
      at: new Date(0),
    }
    const before = structuredClone(given)
    const hidden = '[redacted]'
    assert.deepEqual(redactor(['iban'])(given), {
      user: 'ann',
      Password: hidden,
      list: [{ accessToken: hidden, 'X-Api-Token': hidden }, { client_secret: hidden }],
      headers: { Authorization: hidden, accept: 'y' },
      iban: hidden,
      at: new Date(0),
    })
    assert.deepEqual(given, before)
    assert.equal((redactor()({ iban: 'x' }) as { iban: string }).iban, 'x')
  })

  it('ends in data that contains itself', () => {
    const round: Record<string, unknown> = { token: 'x' }
    round.self = round
    assert.doesNotMatch(JSON.stringify(redactor()(round)), /"x"/)
  })
})

describe('the log', () => {
  it('hides secrets in the data of a line and of all lines', () => {
    const text = linesOf({}, (log) => log.with({ token: 'x1' }).info('hello', { deep: { password: 'x2' } })).join('')
    assert.match(text, /"token":"\[redacted\]","deep":\{"password":"\[redacted\]"\}/)
    assert.doesNotMatch(text, /x1|x2/)
  })

  it('can be logfmt: one line, values with spaces, quotes or control characters in quotes', () => {
    const [line] = linesOf({ format: 'logfmt', worker: 'w1' }, (log) =>
      log.child('lease').warn('a "b"\nc', { job: 'j1', empty: '', list: [1, 'x y'], escape: '\u001b[31m' }),
    )
    assert.match(
      line ?? '',
      /^time=\d{4}-\d\d-\d\dT[\d:.]+Z level=warn msg="a \\"b\\"\\nc" worker=w1 scope=lease job=j1 /,
    )
    assert.match(line ?? '', / empty="" list="\[1,\\"x y\\"\]" escape="\\u001b\[31m"\n$/)
  })
})
