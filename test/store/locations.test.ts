// Where a job is, in a line of text and in lines.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { locationLines, locationText } from '../../runtime/store/workers/stacks.ts'

it('a stack has its innermost frame, and the innermost of the application where that is another', () => {
  const own = `perform (${process.cwd()}/jobs/mail.ts:7:3)`
  const library = 'send (/app/node_modules/smtp/index.js:1:1)'
  assert.equal(locationText({ at: 'stack', frames: [] }), 'in code of Node itself')
  assert.equal(locationText({ at: 'stack', frames: [own, library] }), 'in perform (jobs/mail.ts:7)')
  const smtp = 'in send (/app/node_modules/smtp/index.js:1)'
  assert.equal(locationText({ at: 'stack', frames: [library] }), smtp)
  assert.equal(locationText({ at: 'stack', frames: [library, own] }), `${smtp}, called from perform (jobs/mail.ts:7)`)
  assert.deepEqual(locationLines({ at: 'stack', frames: [own] }), ['in perform (jobs/mail.ts:7)', `  at ${own}`])
})

it('an event loop has what may wake it, native code what the kernel says', () => {
  assert.match(locationText({ at: 'idle', waitingFor: [] }), /promise that nothing can settle/)
  assert.equal(locationText({ at: 'idle', waitingFor: ['a timer', 'a socket'] }), 'waiting for: a timer, a socket')
  const busy = locationText({ at: 'idle', waitingFor: ['a timer'], busy: true })
  assert.equal(busy, 'its event loop busy all the time, waiting for: a timer')
  assert.equal(locationText({ at: 'native', state: 'S' }), 'in native code (S)')
  assert.deepEqual(locationLines({ at: 'native', state: 'S', kernel: 'futex' }), ['in native code (S, futex)'])
  assert.equal(locationText({ at: 'unknown', reason: 'no answer' }), 'at an unknown place: no answer')
})
