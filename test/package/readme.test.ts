// Does what the README says, in its order: writes its files, runs its commands, expects its output.
import assert from 'node:assert/strict'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { it } from 'node:test'
import { makeApp, removesApps } from '../support/app.ts'
import { leavesNoProcess, ROOT, startProcess, type Running } from '../support/process.ts'

leavesNoProcess({ withinMs: 20_000 })
removesApps()

/** A fenced block: its language, the word behind it, its text. */
interface Block {
  language: string
  word: string
  text: string
}

const blocksOf = (markdown: string): Block[] =>
  [...markdown.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map(([, language = '', word = '', text = '']) => ({
    language,
    word,
    text,
  }))

/** A line of expected output: `…` is anything, and blanks are as wide as they like. */
function lineLike(expected: string): RegExp {
  const words = expected
    .trim()
    .split(/\s+/)
    .map((word) =>
      word
        .split('…')
        .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('.*'),
    )
  return new RegExp(words.join('\\s+'))
}

it('what the README shows works', async () => {
  const cwd = await makeApp()
  await mkdir(join(cwd, 'node_modules/.bin'), { recursive: true })
  await symlink(join(ROOT, 'bin/runtime.js'), join(cwd, 'node_modules/.bin/runtime'))
  const blocks = blocksOf(await readFile(join(ROOT, 'README.md'), 'utf8'))
  // Files first: the worker would load them anew one after another, and the commands might come before it is done.
  for (const { language, word, text } of blocks) {
    if (word === '' || language === 'bash') continue
    await mkdir(dirname(join(cwd, word)), { recursive: true })
    await writeFile(join(cwd, word), text)
  }
  // npx itself is tried in installed.test.ts; here it would only take its time.
  const shell = (text: string): Running =>
    startProcess('bash', ['-c', `{ ${text.replaceAll('npx resque-runtime', 'node_modules/.bin/runtime')}\n} 2>&1`], {
      cwd,
      timeoutMs: 120_000,
    })
  let dev: Running | undefined
  let ran = 0
  try {
    for (const [i, { word, text }] of blocks.entries()) {
      if (word === 'background') {
        // Without npx between, which hands no signal on.
        dev = startProcess(join(cwd, 'node_modules/.bin/runtime'), text.trim().split(' ').slice(2), { cwd })
        await dev.waitForLine(/work .*working on/, { timeoutMs: 60_000 })
      }
      if (word !== 'run') continue
      ran += 1
      const { stdout } = await shell(text).exited
      const expected = blocks[i + 1]
      assert.equal(expected?.language, 'text', `what ${text} prints is shown below it`)
      for (const line of expected.text.trim().split('\n')) assert.match(stdout, lineLike(line), text)
    }
    assert.ok(ran >= 6, 'the blocks were found')
  } finally {
    await dev?.stop('SIGINT')
  }
})
