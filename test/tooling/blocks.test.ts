// What the documents show beside TypeScript (snippets.test.ts) is right: commands and their flags exist, settings and schedules are
// accepted by the real loaders, and every other language is read by a parser of its own.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import ts from 'typescript'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfig } from '../../config/load.ts'
import { readPipelines } from '../../runtime/workflow/definitions/pipeline.ts'
import { readSchedule } from '../../scheduler/entries/schedule-file.ts'
import { runCommand } from '../support/command.ts'
import { blocksOf, documentPages, pageText, type Block } from '../support/documents.ts'
import { ROOT } from '../support/process.ts'

const blocks = documentPages.flatMap(blocksOf)
const folder = mkdtempSync(join(tmpdir(), 'blocks-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const at = ({ page, line }: Block): string => `${page}:${line}`
const having = (...languages: string[]): Block[] => blocks.filter(({ language }) => languages.includes(language))

/** Languages that a test reads, here or in the file named; `text` is what a command prints. */
const READ: Record<string, string> = {
  ...{
    ts: 'snippets.test.ts',
    sql: 'test/pipeline/run-requests.test.ts',
    mermaid: 'docs.test.ts',
    text: 'readme.test.ts',
  },
  ...{ bash: '', '': '', yaml: '', json: '', js: '', ruby: '', python: '', dockerfile: '', ini: '', procfile: '' },
}

it('every kind of block has a test', () => {
  assert.deepEqual(
    [...new Set(blocks.map(({ language }) => language))].filter((language) => !(language in READ)),
    [],
  )
  assert.ok(blocks.length > 120, 'the blocks were found')
})

describe('commands', () => {
  const helps = new Map<string, Promise<string>>()
  const helpOf = (words: readonly string[]): Promise<string> => {
    const name = words.join(' ')
    const known = helps.get(name) ?? runCommand([...words, '--help']).then(({ stdout }) => stdout)
    helps.set(name, known)
    return known
  }

  /** What is wrong with a command line of ours, without the program's name. */
  async function wrongIn(words: readonly string[]): Promise<string | undefined> {
    const [command = '', next = ''] = words
    if (!/^[a-z]/.test(command)) return undefined // `runtime --help`, `runtime COMMAND`
    const help = await helpOf([command])
    if (!help.startsWith(`runtime ${command}`)) return `there is no command ${command}`
    const group = help.includes('\nCommands:\n') && /^[a-z-]+$/.test(next)
    const own = group ? await helpOf([command, next]) : help
    if (group && !own.startsWith(`runtime ${command} ${next}`)) return `there is no command ${command} ${next}`
    const flags = words.filter((word) => word.startsWith('--') && word !== '--help')
    const unknown = flags.find((flag) => !new RegExp(`${flag.replace(/=.*/, '')}\\b`).test(own))
    // A template's flags are the keys of its schema.
    return unknown === undefined || /^template run/.test(words.join(' ')) ? undefined : `${command} has no ${unknown}`
  }

  /** Command lines of this package in a text of shell: from the program's name to the end of the command. */
  function linesOf(text: string): string[][] {
    const joined = text.replaceAll(/\\\n\s*/g, ' ')
    return [
      ...joined.matchAll(/(?:^|[\s(`])(?:npx (?:resque-)?runtime|(?<![/.\w-])runtime|bin\/runtime) +([^\n]*)/gm),
    ].map(([, rest = '']) => (rest.split(/ -- |(?:\s*(?:[|;>#&)]|<(?!\w)| {3}))/)[0] ?? '').trim().split(/\s+/))
  }

  it('that pages name exist, with their flags', async () => {
    const wrong: string[] = []
    let found = 0
    for (const page of documentPages) {
      const inline = [
        ...pageText(page)
          .replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
          .matchAll(/`((?:npx )?(?:resque-)?runtime [^`]+)`/g),
      ]
      const shells = blocksOf(page).filter(({ language }) => ['bash', '', 'procfile', 'ini'].includes(language))
      const lines = [...inline.map(([, code = '']) => code), ...shells.map(({ text }) => text)].flatMap(linesOf)
      found += lines.length
      for (const words of lines) {
        const problem = await wrongIn(words)
        if (problem !== undefined) wrong.push(`${page}: runtime ${words.join(' ')}: ${problem}`)
      }
    }
    assert.deepEqual(wrong, [])
    assert.ok(found > 300, `the command lines were found: ${found}`)
  })
})

/** Has a program read all blocks of a language at once. Its complaints name lines, which are those of `text`. */
function read(program: string, args: readonly string[], languageBlocks: readonly Block[]): void {
  const text = languageBlocks.map((block) => `# ${at(block)}\n${block.text}`).join('\n')
  const { status, stderr, error } = spawnSync(program, args, { input: text, encoding: 'utf8' })
  if (error && 'code' in error && error.code === 'ENOENT') return // Not on this machine; elsewhere it reads them.
  assert.equal(status, 0, `${stderr}\n${text}`)
}

it('shell, Ruby and Python are read by their own programs, where they are', () => {
  read('bash', ['-n'], having('bash'))
  read('ruby', ['-c', '-'], having('ruby'))
  read('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], having('python'))
})

it('JavaScript has no errors of syntax', () => {
  for (const block of having('js')) {
    const { diagnostics = [] } = ts.transpileModule(block.text, {
      reportDiagnostics: true,
      fileName: 'block.js',
      compilerOptions: { allowJs: true },
    })
    assert.deepEqual(
      diagnostics.map(({ messageText }) => messageText),
      [],
      at(block),
    )
  }
})

it('JSON is JSON', () => {
  for (const block of having('json')) assert.doesNotThrow(() => JSON.parse(block.text), at(block))
})

/** The names of a file in its block: its word, or a comment in its first line. */
const fileOf = ({ word, text }: Block): string => word || (/^# (\S+)/.exec(text)?.[1] ?? '').replace(';', '')

describe('YAML', () => {
  const accepted: [RegExp, (text: string) => void][] = [
    [
      /schedule\.yml$/,
      (text) => {
        const { problems } = readSchedule(text, { file: 'schedule.yml', source: 'file', env: 'production' })
        assert.deepEqual(
          problems.filter(({ severity }) => severity === 'error'),
          [],
        )
      },
    ],
    [/pipelines\.yml$/, (text) => assert.ok(readPipelines(text).length > 0)],
    [
      /compose\.yml$/,
      (text) => {
        const { services } = parse(text, { merge: true }) as {
          services: Record<string, { image?: string; build?: unknown }>
        }
        for (const [name, { image, build }] of Object.entries(services)) assert.ok(image ?? build, name)
      },
    ],
    [/\/workflows\/.*\.yml$/, (text) => assert.ok((parse(text) as { jobs: object }).jobs)],
    [
      /(worker|scheduler)\.yml$/,
      (text) => {
        for (const document of parseAllDocuments(text, { uniqueKeys: true })) {
          const { apiVersion, kind, spec } = document.toJS() as { apiVersion: string; kind: string; spec: any }
          assert.deepEqual([apiVersion, kind], ['apps/v1', 'Deployment'])
          assert.deepEqual(spec.template.metadata.labels, spec.selector.matchLabels)
          const names = spec.template.spec.containers[0].env.map(({ name }: { name: string }) => name)
          writeFileSync(join(folder, 'empty.yml'), '')
          const env = Object.fromEntries(
            spec.template.spec.containers[0].env.flatMap(({ name, value }: { name: string; value?: string }) =>
              value === undefined ? [] : [[name, value]],
            ),
          )
          loadConfig({ cwd: folder, file: join(folder, 'empty.yml'), env, findEmbedded: false })
          assert.ok(names.includes('REDIS_URL'))
        }
      },
    ],
    [/Probe$/, (text) => assert.ok(parse(text))],
  ]
  for (const block of having('yaml')) {
    it(`of ${at(block)} is accepted`, () => {
      const isProbe = /^(liveness|readiness)Probe:/m.test(block.text)
      const [, check] = accepted.find(([name]) => name.test(isProbe ? 'Probe' : fileOf(block))) ?? []
      if (check) return check(block.text)
      const file = join(folder, 'runtime.yml')
      writeFileSync(file, block.text)
      loadConfig({ cwd: folder, file, env: {}, findEmbedded: false })
      return undefined
    })
  }
})

it('Dockerfiles have instructions only, and start the runtime with commands that exist', () => {
  const instructions = /^(FROM|WORKDIR|COPY|RUN|ENV|USER|STOPSIGNAL|ENTRYPOINT|CMD|HEALTHCHECK|EXPOSE|ARG) \S/
  for (const block of having('dockerfile'))
    for (const line of block.text.trim().split('\n'))
      assert.ok(line === '' || line.startsWith('#') || instructions.test(line), `${at(block)}: ${line}`)
})

it('the units of systemd and the Dockerfile are those of examples/deploy', () => {
  const plain = (text: string): string => text.replaceAll(/^#.*\n/gm, '').trim()
  for (const block of having('ini')) {
    assert.equal(plain(block.text), plain(readFileSync(`${ROOT}examples/deploy/${block.word}`, 'utf8')), at(block))
  }
  const [dockerfile] = having('dockerfile').filter(({ word }) => word === 'Dockerfile')
  assert.equal(plain(dockerfile?.text ?? ''), plain(readFileSync(`${ROOT}examples/deploy/Dockerfile`, 'utf8')))
})

it('variables that pages set are settings, or those of the systems they are for', () => {
  const shells = having('bash', 'text', 'procfile')
    .map(({ text }) => text)
    .join('\n')
  const variables = new Map(
    [...shells.matchAll(/\b(RUNTIME_[A-Z_]+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
  )
  assert.ok(variables.size >= 5)
  variables.delete('RUNTIME_CONFIG')
  writeFileSync(join(folder, 'empty.yml'), '')
  loadConfig({ cwd: folder, file: join(folder, 'empty.yml'), env: Object.fromEntries(variables), findEmbedded: false })
})
