// Wrong argument types do not compile: the compiler says so, of a file made for it, in the lines that are wrong.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { join } from 'node:path'
import ts from 'typescript'
import { ROOT } from '../support/process.ts'

it('wrong argument types do not compile', () => {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path))
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, ROOT)
  const file = join(ROOT, 'test/fixtures/broken/wrong-arguments.ts')
  const program = ts.createProgram([file], options)
  const found = ts
    .getPreEmitDiagnostics(program, program.getSourceFile(file))
    .map(({ start = 0, file: source, messageText }) => ({
      line: (source?.getLineAndCharacterOfPosition(start).line ?? -1) + 1,
      text: ts.flattenDiagnosticMessageText(messageText, '\n'),
    }))
  assert.deepEqual(
    found.map(({ line }) => line),
    [6, 7, 8],
  )
  assert.match(found[0]?.text ?? '', /'number' is not assignable to parameter of type 'string'/)
})
