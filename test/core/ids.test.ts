import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '../../runtime/core/ids.ts'

test('ids sort in the order in which they were made, within one millisecond, too', () => {
  const now = Date.now()
  const ids = [now, now + 1].flatMap((ms) => Array.from({ length: 5000 }, () => newId(ms)))
  assert.deepEqual([...ids].sort(), ids)
  assert.equal(new Set(ids).size, ids.length)
  assert.ok(ids.every((id) => /^[0-9a-z]{21}$/.test(id)))
})
