// Loaded first in each process of a coverage run. The processes that it starts are measured, too, except for zygotes: they
// refuse to fork while coverage is measured, since each child would write the figures of its parent.
const processes = require('node:child_process')
const { syncBuiltinESMExports } = require('node:module')
const process = require('node:process')

const { NODE_V8_COVERAGE, NODE_OPTIONS } = process.env
if (!process.execArgv.includes('--test')) {
  delete process.env.NODE_V8_COVERAGE
  delete process.env.NODE_OPTIONS
  for (const name of ['spawn', 'fork']) {
    const start = processes[name]
    processes[name] = (file, args, options) => {
      const [list, given] = Array.isArray(args) ? [args, options] : [[], args]
      if ([file, ...list].some((word) => String(word).endsWith('zygote.js'))) return start(file, list, given)
      const env = { ...(given?.env ?? process.env), NODE_V8_COVERAGE, NODE_OPTIONS }
      return start(file, list, { ...given, env })
    }
  }
  syncBuiltinESMExports()
}
