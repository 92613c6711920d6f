// Loaded first in each process of a coverage run, so that the processes which it starts are measured, too. A process that is
// started by a test may be killed at any time, so it writes its figures again and again.
const processes = require('node:child_process')
const { writeFileSync } = require('node:fs')
const { Session } = require('node:inspector')
const { join } = require('node:path')
const { syncBuiltinESMExports } = require('node:module')
const process = require('node:process')
const { setInterval } = require('node:timers')
const { takeCoverage } = require('node:v8')

const FLUSH_MS = 500
const { NODE_V8_COVERAGE, NODE_OPTIONS, ZYGOTE_COVERAGE, NODE_TEST_CONTEXT } = process.env

/**
 * A zygote refuses to fork where NODE_V8_COVERAGE is set, and its jobs leave by _exit(2), at which Node writes nothing. So the
 * figures are taken here, just before a process ends. Those of a job include what its zygote ran.
 */
function measureZygote(folder) {
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  const write = () =>
    session.post('Profiler.takePreciseCoverage', (_error, coverage) => {
      const result = coverage.result.filter(({ url }) => /^file:.*\/dist\//.test(url))
      writeFileSync(join(folder, `zygote-${process.pid}-${process.hrtime.bigint()}.json`), JSON.stringify({ result }))
    })
  const { dlopen, reallyExit } = process
  process.reallyExit = (code) => {
    write()
    reallyExit.call(process, code)
  }
  process.dlopen = (module, file, ...flags) => {
    dlopen.call(process, module, file, ...flags)
    if (!file.endsWith('koffi.node')) return
    const { load } = module.exports
    module.exports.load = (...path) => {
      const library = load(...path)
      const bind = (prototype) => {
        const call = library.func(prototype)
        if (!prototype.includes('_exit(')) return call
        return (code) => {
          write()
          call(code)
        }
      }
      return { func: bind, symbol: (...args) => library.symbol(...args) }
    }
  }
}

function measureStarted() {
  for (const name of ['spawn', 'fork']) {
    const start = processes[name]
    processes[name] = (file, args, options) => {
      const [list, given] = Array.isArray(args) ? [args, options] : [[], args]
      const isZygote = [file, ...list].some((word) => String(word).endsWith('zygote.js'))
      const measured = isZygote ? { ZYGOTE_COVERAGE: NODE_V8_COVERAGE } : { NODE_V8_COVERAGE }
      return start(file, list, { ...given, env: { ...(given?.env ?? process.env), ...measured, NODE_OPTIONS } })
    }
  }
  syncBuiltinESMExports()
}

if (!process.execArgv.includes('--test')) {
  delete process.env.NODE_V8_COVERAGE
  delete process.env.NODE_OPTIONS
  delete process.env.ZYGOTE_COVERAGE
  if (ZYGOTE_COVERAGE) measureZygote(ZYGOTE_COVERAGE)
  else measureStarted()
  if (!ZYGOTE_COVERAGE && !NODE_TEST_CONTEXT) setInterval(takeCoverage, FLUSH_MS).unref()
}
