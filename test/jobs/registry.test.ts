// Runs with the TypeScript loader: applications are loaded into this process, from source.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Job, job } from '../../runtime/index.ts'
import { loadApp } from '../../runtime/jobs/app.ts'
import { Registry } from '../../runtime/jobs/registry.ts'
import { makeApp, removesApps } from '../support/app.ts'

removesApps()

class MailJob extends Job {
  static override queue = 'low'
  perform(): void {}
}
class RubyJob extends Job {
  static override wireName = 'Jobs::Ruby'
  perform(): void {}
}
class ChildOfRubyJob extends RubyJob {}
abstract class BaseJob extends Job {
  helper(): number {
    return 1
  }
}
const sendWelcome = job({ queue: 'low' }, async function sendWelcome(_email: string) {})

const registryOf = (exports: Record<string, unknown>, file = 'src/jobs/a.ts'): Registry => {
  const registry = new Registry()
  registry.addModule(exports, file)
  return registry
}

describe('the registry', () => {
  it('takes classes and functions by name, whatever they are exported as, and lets the rest be', () => {
    const registry = registryOf({ MailJob, default: sendWelcome, limit: 5, helper: () => 1, Date, nothing: null })
    assert.deepEqual(
      registry.list().map((entry) => entry.name),
      ['MailJob', 'sendWelcome'],
    )
    assert.equal(registry.job('MailJob'), MailJob)
    assert.equal(registry.job('sendWelcome'), sendWelcome)
  })

  it('takes the wire name where one is given, and does not inherit it', () => {
    const registry = registryOf({ RubyJob, ChildOfRubyJob })
    assert.equal(registry.job('Jobs::Ruby'), RubyJob)
    assert.equal(registry.job('RubyJob'), undefined)
    assert.equal(registry.job('ChildOfRubyJob'), ChildOfRubyJob)
  })

  it("finds Resque's dashed names", () => {
    assert.equal(registryOf({ MailJob }).job('mail-job'), MailJob)
  })

  it('leaves out base classes that cannot perform', () => {
    assert.deepEqual(registryOf({ BaseJob }).list(), [])
  })

  it('refuses two of one name, and names both files', () => {
    const other = class MailJob extends Job {
      perform(): void {}
    }
    const registry = registryOf({ MailJob })
    assert.throws(() => registry.addModule({ other }, 'src/jobs/b.ts'), {
      code: 'ERR_NAME_CLASH',
      message: /^MailJob: .*src\/jobs\/a\.ts and in src\/jobs\/b\.ts; rename one/,
    })
  })

  it('takes the same class from two files: a re-export', () => {
    const registry = registryOf({ MailJob })
    registry.addModule({ MailJob }, 'src/jobs/index.ts')
    assert.equal(registry.list().length, 1)
  })

  it('knows nothing of names that every object has', () => {
    const registry = registryOf({ MailJob })
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype']) {
      assert.equal(registry.find(name), undefined, name)
    }
  })

  it('refuses options that are wrong, by name', () => {
    class SlowJob extends Job {
      static override timeout = 'soon'
      perform(): void {}
    }
    assert.throws(() => registryOf({ SlowJob }), {
      code: 'ERR_ARGUMENT',
      message: /^timeout of SlowJob: expected .*, got "soon"/,
    })
  })

  it('knows jobs of another copy of this package', () => {
    class Foreign {
      perform(): void {}
    }
    Object.assign(Foreign, { [Symbol.for('resque-runtime.job')]: true })
    assert.equal(registryOf({ Foreign }).job('Foreign'), Foreign)
  })
})

it('a function job needs a name, and can still be called', async () => {
  assert.throws(() => job({}, async () => undefined), /expected a named function/)
  const add = job({ queue: 'low' }, function add(a: number, b: number) {
    return a + b
  })
  assert.equal(add.call(undefined as never, 1, 2), 3)
})

describe('an exported class without perform', () => {
  it('is refused when all files are loaded, unless a job extends it', () => {
    // @ts-expect-error -- the mistake that is tested
    class MissesPerform extends Job {
      preform(): void {}
    }
    const alone = registryOf({ MissesPerform, Job }, 'src/jobs/misses.ts')
    assert.throws(() => alone.checkBases(), {
      code: 'ERR_APP_LOAD',
      message: /^src\/jobs\/misses\.ts: expected the job MissesPerform to have a method "perform"/,
    })
    class OfBase extends BaseJob {
      perform(): void {}
    }
    registryOf({ Job, BaseJob, OfBase }).checkBases()
  })
})

it('a file that exports only types is accepted; one that exports nothing is not', async () => {
  const types = 'export type Order = { id: string }\n'
  const root = await makeApp({
    'src/jobs/types.ts': types,
    'src/jobs/more.ts': `// export type A\nexport interface A {}`,
  })
  assert.deepEqual((await loadApp({ root, paths: ['src/jobs'] })).registry.list(), [])
  await writeFile(join(root, 'src/jobs/none.ts'), '/* export type A */\nexport {}')
  await assert.rejects(
    loadApp({ root, paths: ['src/jobs'] }),
    /none\.ts: expected it to export a job, it exports nothing/,
  )
})
