// Parsers of what lies in Redis, whoever has written it: each gets inputs made from valid ones, and answers every one of them, or
// refuses it in its own words. `npm run fuzz` gives each 10,000.
import assert from 'node:assert/strict'
import { readRecord } from '../../runtime/archive/record.ts'
import { rowText } from '../../runtime/archive/rows.ts'
import { decodeItem, parseLossless } from '../../runtime/core/codec.ts'
import { cursorParts } from '../../runtime/core/cursor.ts'
import { failedClass, failedStep, matcherOf } from '../../runtime/inspect/failed.ts'
import { parseKept } from '../../runtime/inspect/step.ts'
import { jobClass } from '../../runtime/inspect/running.ts'
import { statusOf } from '../../runtime/jobs/handle.ts'
import type { JobRecord } from '../../runtime/store/queues/jobs.ts'
import { decodeFailure } from '../../runtime/store/queues/failures.ts'
import { readBytes } from '../../runtime/store/queues/delayed-pages.ts'
import { queueListName, selectQueues } from '../../runtime/store/queues/queue-list.ts'
import { parseFailedAt } from '../../runtime/store/queues/resque-time.ts'
import { readMemoryField } from '../../runtime/store/runs/memory.ts'
import { readAddedParents, readEdges, readRows } from '../../runtime/store/runs/run-table.ts'
import { describedOf, missedOf, readState } from '../../runtime/store/schedules/schedule-state.ts'
import { hasEnded } from '../../runtime/worker/lease/dead-processes.ts'
import { MaskedJson } from '../../web/view/masked-json.ts'
import { fuzz, refusedWith } from '../support/fuzz.ts'
import { useSeed } from '../support/properties.ts'

useSeed()

const items = [
  '{"class":"ReminderJob","args":["u1",{"at":12345678901234567890}]}',
  '{"args":[1.0,null],"class":"Jobs::Ruby","queue":"high"}',
  '{"class":"ResqueRuntime::Step","args":["run1","3","ImportJob"]}',
]
fuzz('a queue item', items, decodeItem)
fuzz('a delayed item', items, readBytes)
fuzz('a JSON text with long numbers', [...items, '[-9007199254740993,{"a":1.50}]'], parseLossless, {
  names: ['SyntaxError'],
})

const failures = items.map(
  (payload) =>
    `{"failed_at":"2027/01/03 12:00:00 UTC","payload":${payload},"exception":"TypeError","error":"boom","backtrace":["a.ts:1"],"worker":"h:1:q","queue":"q","retried_at":"2027/01/04 12:00:00","id":"j1","cause":"timeout"}`,
)
const filter = {
  class: 'ReminderJob',
  queue: 'q',
  cause: 'timeout',
  exception: 'TypeError',
  error: 'boo',
  text: 'u1',
  sinceMs: 0,
  untilMs: 9e15,
  retried: true,
}
fuzz(
  'a failed entry',
  failures,
  (text) => {
    const entry = decodeFailure(text, 0)
    if (!entry) return
    failedClass(entry)
    failedStep(entry)
    const matches = matcherOf(filter)
    for (const [name, value] of Object.entries(filter)) matcherOf({ [name]: value }).entry(entry)
    matches.text(text)
  },
  {
    also: [
      '{"payload":{"class":{"toString":1}},"error":{"toString":1}}',
      '{"payload":{"class":"ResqueRuntime::Step","args":[{"toString":1},{"toString":1}]}}',
    ],
  },
)
fuzz(
  'a moment of a failed entry',
  ['2027/01/03 12:00:00 UTC', '2027/01/03 12:00:00 -03', '2027/01/03 12:00:00 CEST'],
  parseFailedAt,
)

/** Fields of a Redis hash, as JSON so that their values are changed one by one. */
const hash = (text: string): Record<string, string> => {
  const read = jsonOf(text)
  return Object.fromEntries(
    Object.entries(read).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
}
const jsonOf = (text: string): object => {
  try {
    const read: unknown = JSON.parse(text)
    return typeof read === 'object' && read !== null ? read : {}
  } catch {
    return { state: text, status: text, error: text, item: text, attempts: text, evidence: text }
  }
}
const record =
  '{"state":"failed","class":"A","item":"{\\"class\\":\\"A\\",\\"args\\":[1]}","queue":"q","attempt":"2","enqueued_at":"1","run_at":"2","ended_at":"3","progress":"3/10 rendered","error":{"name":"E","message":"m"},"attempts":[{"attempt":1}],"evidence":{"wallMs":5,"cpuUserMs":1},"step":"run1 3"}'
fuzz(
  'the record of a job',
  [record],
  (text) => {
    const fields = hash(text) as unknown as JobRecord
    statusOf('j1', fields)
    parseKept(fields)
    jobClass(fields)
  },
  { also: ['{"error":"{","attempts":"[","evidence":"x"}'] },
)
fuzz(
  'an archived end',
  [
    record.replace('{', '{"id":"j1","kind":"job",'),
    '{"id":"r1","kind":"workflow","status":"finished","class":"W","args":[1],"created_at":1,"started_at":2,"ended_at":3,"total":4,"finished":4}',
    '{"id":"s1","kind":"step","state":"done","class":"A","run":"r1","node":"1","globals":{"a":1},"params":{"b":"\\u0000"},"ended_at":3,"log":["x"]}',
  ],
  (text) => {
    const read = readRecord({ entry: '1-1', fields: hash(text) })
    if (read) rowText(read)
  },
)
fuzz(
  "the state of a schedule's entry",
  ['{"since":1,"cursor":2,"slot":3,"fired_at":4,"late_ms":5,"fired":6,"next":7,"missed":8,"paused":1,"enabled":0}'],
  (text) => {
    readState(hash(text))
    describedOf({ a: text })
    missedOf([text])
  },
)
fuzz('the memory of a run', ['last 1000 rt:memory', 'namespace 0 a b'], readMemoryField)
fuzz('the table of a run', ['\u0003\u0001'.repeat(44), '\u0001\0\0\0\xff\xff\xff\xff'], (text) => {
  const edges = readAddedParents(Buffer.from(text, 'latin1'), 100)
  assert.ok(edges.length <= 100 && edges.every(({ from }) => from < 100))
  readRows(Buffer.from(text, 'latin1'), 0)
  readEdges(Buffer.from(text, 'latin1'))
})
fuzz('a cursor', ['123', '1-2-3', '1700000000000-5', '1700000000000~j1'], (text) => {
  for (const pattern of [/^(\d{1,20})$/, /^(\d{1,16})-(\d{1,9})-(\d{1,9})$/, /^(\d{1,16})~(.+)$/s]) {
    refusedWith('ERR_ARGUMENT', () => cursorParts(text, pattern))
  }
})
fuzz('a list of queues', ['high,*,!low', '[a-m]*,mail_?', '\\*,{a,b}', '!x,*'], (text) => {
  const list = text.split(',')
  selectQueues(list, ['high', 'low', 'mail_a', 'x', '{a', '*'])
  queueListName(list)
})
fuzz('the identity of a process', ['123.456.789', '1.0.0'], hasEnded)

const masked = new MaskedJson(['iban'])
fuzz('JSON for people', [...failures, record], (text) => {
  masked.write(text, { pretty: true, most: 5000 })
  masked.write(text)
})
