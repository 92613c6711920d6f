// The layer order is only as good as the lint rules that hold it: plant violations, see each one caught, and nothing else.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'

const ROOT = new URL('../../', import.meta.url).pathname

// Who may import whom, said a second time on purpose: a slip in eslint.config.js must disagree with this.
const LADDER: Record<string, readonly string[]> = {
  config: ['config'],
  'runtime/core': ['config', 'runtime/core'],
  'runtime/store': ['config', 'runtime/core', 'runtime/store'],
  'runtime/jobs': ['config', 'runtime/core', 'runtime/store', 'runtime/jobs'],
  'runtime/worker': ['config', 'runtime/core', 'runtime/store', 'runtime/jobs', 'runtime/worker'],
  'runtime/workflow': ['config', 'runtime/core', 'runtime/store', 'runtime/jobs', 'runtime/workflow'],
  'runtime/archive': ['config', 'runtime/core', 'runtime/store', 'runtime/jobs', 'runtime/archive'],
  'runtime/metrics': ['config', 'runtime/core', 'runtime/store', 'runtime/metrics'],
  'runtime/cron': ['config', 'runtime/core', 'runtime/cron'],
  'runtime/inspect': [
    ...[
      'config',
      'runtime/core',
      'runtime/cron',
      'runtime/store',
      'runtime/jobs',
      'runtime/workflow',
      'runtime/archive',
    ],
    'runtime/inspect',
  ],
  scheduler: [
    'config',
    'runtime/core',
    'runtime/cron',
    'runtime/store',
    'runtime/jobs',
    'runtime/workflow',
    'scheduler',
  ],
  web: [
    'config',
    'runtime/core',
    'runtime/store',
    'runtime/jobs',
    'runtime/workflow',
    'runtime/archive',
    'runtime/inspect',
    'web',
  ],
}
const PARTS = [...Object.keys(LADDER), 'cli']

interface Message {
  ruleId: string
  message: string
}

const scheduled =
  "import { scheduleJob, type Job } from 'node-schedule'\n\nexport const job: Job = scheduleJob(new Date(), () => undefined)\n"
/** What a scheduler may do with node-schedule is its documented surface; each of the others drives it from inside. */
const nodeSchedule = {
  documented: `${scheduled}job.reschedule(new Date())\njob.cancel()\n`,
  calls: `${scheduled}Reflect.apply((job as unknown as { _next: () => void })._next, job, [])\n`,
  assigns: `${scheduled};(job as unknown as { _next: () => void })['_next'] = () => undefined\n`,
  overrides: "import { Job } from 'node-schedule'\n\nJob.prototype.cancel = () => true\n",
  extends: "import { Job } from 'node-schedule'\n\nexport class Later extends Job {}\n",
  imports: "import { RecurrenceRule } from 'node-schedule'\n\nexport const rule = new RecurrenceRule()\n",
}

let tree: string
/** What eslint said of each planted file, by path. */
let said: Map<string, Message[]>

async function plant(path: string, source: string): Promise<void> {
  await mkdir(dirname(join(tree, path)), { recursive: true })
  await writeFile(join(tree, path), source)
}

const up = (path: string): string => '../'.repeat(path.split('/').length - 1) || './'

/** A file at `path` that imports the file at `target`. */
const plantImport = (path: string, target: string): Promise<void> =>
  plant(path, `import { leaf } from '${up(path)}${target}'\n\nexport const twice = leaf * 2\n`)

const rulesFor = (path: string): string[] => (said.get(path) ?? []).map((message) => message.ruleId)
const flat = (part: string): string => part.replaceAll('/', '-')

async function lint(): Promise<Map<string, Message[]>> {
  const eslint = join(ROOT, 'node_modules/eslint/bin/eslint.js')
  const json = await new Promise<string>((resolve, reject) =>
    execFile(
      process.execPath,
      [eslint, '--format', 'json', '.'],
      { cwd: tree, maxBuffer: 1 << 26 },
      (error, stdout, stderr) =>
        stdout.startsWith('[') ? resolve(stdout) : reject(new Error(`eslint did not run: ${stderr}`, { cause: error })),
    ),
  )
  const files = JSON.parse(json) as { filePath: string; messages: Message[] }[]
  return new Map(files.map((file) => [file.filePath.slice(tree.length + 1), file.messages]))
}

before(async () => {
  tree = await realpath(await mkdtemp(join(tmpdir(), 'layers-')))
  for (const file of ['eslint.config.js', 'tsconfig.json', 'package.json']) await cp(join(ROOT, file), join(tree, file))
  await symlink(join(ROOT, 'node_modules'), join(tree, 'node_modules'))
  for (const part of PARTS) {
    await plant(`${part}/leaf.ts`, 'export const leaf = 1\n')
    for (const other of PARTS) await plantImport(`${part}/sees-${flat(other)}.ts`, `${other}/leaf.ts`)
  }
  await plant('runtime/messages.ts', "import { leaf as below } from './store/leaf.ts'\n\nexport const leaf = below\n")
  await plantImport('runtime/core/sees-wire.ts', 'runtime/messages.ts')
  await plantImport('runtime/store/sees-wire.ts', 'runtime/messages.ts')
  await plant('config/load.ts', 'export const leaf = 1\n')
  await plant('runtime/index.ts', 'export const leaf = 1\n')
  await plant('src/jobs/leaf.ts', 'export const leaf = 1\n')
  await plantImport('runtime/jobs/default-client.ts', 'config/load.ts')
  await plantImport('runtime/jobs/client.ts', 'config/load.ts')
  await plantImport('runtime/worker/loads.ts', 'config/load.ts')
  await plantImport('cli/loads.ts', 'config/load.ts')
  await plantImport('cli/face.ts', 'runtime/index.ts')
  await plantImport('cli/sample.ts', 'src/jobs/leaf.ts')
  await plantImport('src/jobs/reaches-in.ts', 'runtime/core/leaf.ts')
  await plant('runtime/worker/talks.ts', "import { Redis } from 'ioredis'\n\nexport const client = Redis\n")
  await plant(
    'runtime/core/chicken.ts',
    "import { egg } from './egg.ts'\n\nexport const chicken = (): number => egg()\n",
  )
  await plant(
    'runtime/core/egg.ts',
    "import { chicken } from './chicken.ts'\n\nexport const egg = (): number => chicken()\n",
  )
  await plant('runtime/core/cuts.ts', 'export const short = (text: string): string => text.slice(0, 80)\n')
  for (const [name, source] of Object.entries(nodeSchedule)) await plant(`scheduler/timer-${name}.ts`, source)
  said = await lint()
})

after(() => rm(tree, { recursive: true, force: true }))

describe('the layer order', () => {
  for (const [part, allowed] of Object.entries(LADDER)) {
    it(`lets ${part} see only what lies under it`, () => {
      const seen = PARTS.filter(
        (other) => !rulesFor(`${part}/sees-${flat(other)}.ts`).includes('import-x/no-restricted-paths'),
      )
      assert.deepEqual(
        seen,
        PARTS.filter((other) => allowed.includes(other)),
      )
    })
  }

  it('lets cli see every part', () => {
    for (const other of PARTS) assert.deepEqual(rulesFor(`cli/sees-${flat(other)}.ts`), [])
  })

  it('has the shapes that travel between core and store', () => {
    assert.deepEqual(rulesFor('runtime/messages.ts'), ['import-x/no-restricted-paths'])
    assert.deepEqual(rulesFor('runtime/core/sees-wire.ts'), ['import-x/no-restricted-paths'])
    assert.deepEqual(rulesFor('runtime/store/sees-wire.ts'), [])
  })

  it('names the rule that was broken', () => {
    const [message] = said.get('runtime/core/sees-runtime-store.ts') ?? []
    assert.match(message?.message ?? '', /runtime\/core may import only: config/)
  })

  it('lets only the command and the default client load the configuration', () => {
    assert.deepEqual(rulesFor('runtime/jobs/default-client.ts'), [])
    assert.deepEqual(rulesFor('cli/loads.ts'), [])
    assert.deepEqual(rulesFor('runtime/jobs/client.ts'), ['no-restricted-imports'])
    assert.deepEqual(rulesFor('runtime/worker/loads.ts'), ['import-x/no-restricted-paths'])
  })

  it('keeps the product off its own public face, and sample jobs off its insides', () => {
    assert.deepEqual(rulesFor('cli/face.ts'), ['import-x/no-restricted-paths'])
    assert.deepEqual(rulesFor('cli/sample.ts'), ['import-x/no-restricted-paths'])
    assert.deepEqual(rulesFor('src/jobs/reaches-in.ts'), ['import-x/no-restricted-paths'])
  })

  it('keeps the Redis client inside the store', () => {
    assert.deepEqual(rulesFor('runtime/worker/talks.ts'), ['no-restricted-imports'])
  })
})

it('node-schedule is used by what it documents, never by its private or prototype methods', () => {
  assert.deepEqual(rulesFor('scheduler/timer-documented.ts'), [])
  for (const name of ['calls', 'assigns', 'overrides', 'extends', 'imports'])
    assert.ok(rulesFor(`scheduler/timer-${name}.ts`).includes('no-restricted-syntax'), name)
})

it('an import cycle is reported from both of its files', () => {
  assert.deepEqual(rulesFor('runtime/core/chicken.ts'), ['import-x/no-cycle'])
  assert.deepEqual(rulesFor('runtime/core/egg.ts'), ['import-x/no-cycle'])
})

it('a text that people wrote is not cut inside a character', () => {
  assert.deepEqual(rulesFor('runtime/core/cuts.ts'), ['no-restricted-syntax'])
})
