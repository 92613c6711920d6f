import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { Discard, DontPerform, Job, job } from '../../runtime/index.ts'
import { hasHook, hooksOf } from '../../runtime/jobs/hooks.ts'
import { inline } from '../../runtime/testing/index.ts'

let said: string[]
beforeEach(() => (said = []))
const say = (text: string): void => void said.push(text)

class HookedJob extends Job {
  static override queue = 'low'
  static beforePerformB(): void {
    say('static before B')
  }
  static beforePerformA(who: string): void {
    say(`static before A ${who}`)
  }
  static async aroundPerformOuter(next: () => Promise<unknown>): Promise<void> {
    say('outer in')
    await next()
    say('outer out')
  }
  static afterPerform(): void {
    say('static after')
  }
  static onFailure(error: Error, who: string): void {
    say(`failed ${error.message} ${who}`)
  }

  beforePerform(who: string): void {
    say(`before ${who} ${this.queue}`)
  }
  async aroundPerform(next: () => Promise<unknown>, who: string): Promise<void> {
    say(`inner in ${who}`)
    await next()
    say('inner out')
  }
  afterPerform(): void {
    say('after')
  }
  perform(who: string): string {
    say(`perform ${who}`)
    if (who === 'nobody') throw new Error('who?')
    return `hello ${who}`
  }
}

describe('hooks of perform', () => {
  it('run by name, statics first, those around outside in', async () => {
    assert.equal(await inline(HookedJob, 'ann'), 'hello ann')
    assert.deepEqual(said, [
      'static before A ann',
      'static before B',
      'before ann low',
      'outer in',
      'inner in ann',
      'perform ann',
      'inner out',
      'outer out',
      'static after',
      'after',
    ])
  })

  it('onFailure gets the error and the arguments; what comes after perform does not run', async () => {
    await assert.rejects(inline(HookedJob, 'nobody'), { name: 'Error', message: 'who?' })
    assert.deepEqual(said.slice(-2), ['perform nobody', 'failed who? nobody'])
  })

  it('beforePerform may refuse the job, which is no failure', async () => {
    class RefusedJob extends HookedJob {
      override beforePerform(): void {
        throw new DontPerform('not today')
      }
    }
    assert.equal(await inline(RefusedJob, 'ann'), undefined)
    assert.ok(!said.some((text) => text.startsWith('perform') || text.startsWith('failed')), said.join())
  })

  it('beforePerform that throws anything else fails the job', async () => {
    class BrokenJob extends HookedJob {
      override beforePerform(): void {
        throw new TypeError('broken hook')
      }
    }
    await assert.rejects(inline(BrokenJob, 'ann'), { name: 'TypeError', message: 'broken hook' })
    assert.equal(said.at(-1), 'failed broken hook ann')
  })

  it('aroundPerform that does not call on skips perform', async () => {
    class SkippedJob extends Job {
      aroundPerform(): void {
        say('around')
      }
      perform(): void {
        say('perform')
      }
    }
    assert.equal(await inline(SkippedJob), undefined)
    assert.deepEqual(said, ['around'])
  })

  it('an onFailure hook that fails is told together with the error that it hid', async () => {
    class UnluckyJob extends Job {
      perform(): void {
        throw new RangeError('first')
      }
      onFailure(): void {
        throw new Error('second')
      }
    }
    await assert.rejects(inline(UnluckyJob), {
      name: 'RangeError',
      message: 'first (and its onFailure hook failed: second)',
    })
  })

  it('are found on function jobs, too', async () => {
    const greet = job({ queue: 'low' }, function greet(who: string) {
      return `hi ${who}`
    })
    Object.assign(greet, { beforePerform: (who: string) => say(`before ${who}`) })
    assert.equal(await inline(greet, 'bob'), 'hi bob')
    assert.deepEqual(said, ['before bob'])
  })

  it('verbs are obeyed: a discarded job is no failure', async () => {
    class DroppedJob extends HookedJob {
      override perform(_who: string): string {
        throw new Discard('not needed any more')
      }
    }
    assert.equal(await inline(DroppedJob, 'ann'), undefined)
    assert.ok(!said.some((text) => text.startsWith('failed')))
  })
})

it('hooks are taken along the chain of classes, each name once', () => {
  class Derived extends HookedJob {
    static override beforePerformA(): void {
      say('derived')
    }
  }
  const hooks = hooksOf(Derived, 'beforePerform', new Derived())
  assert.equal(hooks.length, 3)
  assert.equal(hasHook(Derived, 'onFailure'), true)
  assert.equal(hasHook(Derived, 'beforeEnqueue'), false)
  hooks[0]?.('x')
  assert.deepEqual(said, ['derived'])
})
