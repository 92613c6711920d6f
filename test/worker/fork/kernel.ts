// The zygote's parts with a kernel of the test's own: each call of libc.ts goes through `kernel`, whose methods a test replaces.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { after, type TestContext } from 'node:test'
import { build, type Plugin } from 'esbuild'
import type { machine } from '../../../config/machine.ts'
import type * as stackPrinter from '../../../runtime/worker/stack/stack-printer.ts'
import type * as afterFork from '../../../runtime/worker/launchers/fork/zygote/core/after-fork.ts'
import type * as children from '../../../runtime/worker/launchers/fork/zygote/core/children.ts'
import type * as connectionPairs from '../../../runtime/worker/launchers/fork/zygote/wire/connection-pairs.ts'
import type * as descriptors from '../../../runtime/worker/launchers/fork/zygote/core/descriptors.ts'
import type * as environmentMark from '../../../runtime/worker/launchers/fork/zygote/child-identity/environment-mark.ts'
import type * as exit from '../../../runtime/worker/launchers/fork/zygote/core/exit.ts'
import type * as forkRanges from '../../../runtime/worker/launchers/fork/zygote/tuning/fork-ranges.ts'
import type * as forkSide from '../../../runtime/worker/launchers/fork/zygote/core/fork-side.ts'
import type * as heapLayout from '../../../runtime/worker/launchers/fork/zygote/tuning/heap-layout.ts'
import type * as jobChannel from '../../../runtime/worker/launchers/fork/zygote/wire/job-channel.ts'
import type * as loop from '../../../runtime/worker/launchers/fork/zygote/core/loop.ts'
import type * as nodePlatform from '../../../runtime/worker/launchers/fork/zygote/core/node-platform.ts'
import type * as orders from '../../../runtime/worker/launchers/fork/zygote/wire/orders.ts'
import type * as orphans from '../../../runtime/worker/launchers/fork/zygote/core/orphans.ts'
import type * as preflight from '../../../runtime/worker/launchers/fork/zygote/core/preflight.ts'
import type * as Libc from '../../../runtime/worker/launchers/fork/zygote/core/libc.ts'
import { ROOT } from '../../support/process.ts'

const FOLDER = 'runtime/worker/launchers/fork/zygote'
const LIBC = join(ROOT, FOLDER, 'core/libc.ts')

/** The functions of libc.ts. */
export type Kernel = {
  -readonly [
    K in keyof typeof Libc as (typeof Libc)[K] extends (...args: never[]) => unknown ? K : never
  ]: (typeof Libc)[K]
}

const MODULES = {
  afterFork: 'core/after-fork.ts',
  children: 'core/children.ts',
  connectionPairs: 'wire/connection-pairs.ts',
  descriptors: 'core/descriptors.ts',
  environmentMark: 'child-identity/environment-mark.ts',
  exit: 'core/exit.ts',
  forkRanges: 'tuning/fork-ranges.ts',
  forkSide: 'core/fork-side.ts',
  heapLayout: 'tuning/heap-layout.ts',
  jobChannel: 'wire/job-channel.ts',
  loop: 'core/loop.ts',
  nodePlatform: 'core/node-platform.ts',
  orders: 'wire/orders.ts',
  orphans: 'core/orphans.ts',
  preflight: 'core/preflight.ts',
} as const

/** The modules by name, their `machine`, and the kernel that they call. */
export interface Zygote {
  kernel: Kernel
  machine: typeof machine
  stackPrinter: typeof stackPrinter
  afterFork: typeof afterFork
  children: typeof children
  connectionPairs: typeof connectionPairs
  descriptors: typeof descriptors
  environmentMark: typeof environmentMark
  exit: typeof exit
  forkRanges: typeof forkRanges
  forkSide: typeof forkSide
  heapLayout: typeof heapLayout
  jobChannel: typeof jobChannel
  loop: typeof loop
  nodePlatform: typeof nodePlatform
  orders: typeof orders
  orphans: typeof orphans
  preflight: typeof preflight
}

const replaceable: Plugin = {
  name: 'replaceable kernel',
  setup: (plugin) => {
    plugin.onResolve({ filter: /\/libc\.ts$/ }, ({ namespace }) =>
      namespace === 'kernel' ? { path: LIBC } : { path: 'libc', namespace: 'kernel' },
    )
    plugin.onLoad({ filter: /.*/, namespace: 'kernel' }, () => {
      const names = [...readFileSync(LIBC, 'utf8').matchAll(/^export (?:const|function) (\w+)/gm)].map(
        ([, name]) => name,
      )
      const exported = names.map(
        (name) =>
          `export const ${name} = typeof real.${name} === 'function' ? (...args) => kernel.${name}(...args) : real.${name}`,
      )
      const contents = `import * as real from './libc.ts'\nexport const kernel = { ...real }\n${exported.join('\n')}`
      return { contents, loader: 'ts', resolveDir: join(ROOT, FOLDER, 'core') }
    })
  },
}

/** Loads the zygote's modules into this process. Nothing of them has run yet. */
async function loadZygote(): Promise<Zygote> {
  const cache = join(ROOT, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'zygote-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const outfile = join(folder, 'zygote.mjs')
  const contents = [
    "export { kernel } from './core/libc.ts'",
    `export { machine } from ${JSON.stringify(join(ROOT, 'config/machine.ts'))}`,
    `export * as stackPrinter from ${JSON.stringify(join(ROOT, 'runtime/worker/stack/stack-printer.ts'))}`,
    ...Object.entries(MODULES).map(([name, path]) => `export * as ${name} from './${path}'`),
  ].join('\n')
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(ROOT, FOLDER), loader: 'ts' },
    ...{ bundle: true, write: false, outfile, format: 'esm', platform: 'node', target: 'node20', packages: 'external' },
    ...{ sourcemap: 'linked', sourcesContent: false, keepNames: true, conditions: ['source'], plugins: [replaceable] },
  })
  // The loader of a coverage run would change a file with an import(), and lose its source map. As many characters.
  Object.assign(globalThis, { load__: (name: string): Promise<unknown> => import(name) })
  for (const { path, text } of outputFiles) writeFileSync(path, text.replaceAll('import(`', 'load__(`'))
  return (await import(pathToFileURL(outfile).href)) as Zygote
}

/**
 * The zygote's modules, and how a test answers in place of the kernel and of the machine: until its end, the last answer
 * counts.
 */
export async function useKernel(): Promise<{
  zygote: Zygote
  answer: (t: TestContext, calls: Partial<Kernel>) => void
  pretend: (t: TestContext, calls: Partial<Zygote['machine']>) => void
}> {
  const zygote = await loadZygote()
  const replacing =
    <T extends object>(object: T) =>
    (t: TestContext, calls: Partial<T>): void => {
      t.after(() => Object.assign(object, own.get(object)))
      Object.assign(object, calls)
    }
  const own = new Map<object, object>([zygote.kernel, zygote.machine].map((object) => [object, { ...object }]))
  return { zygote, answer: replacing(zygote.kernel), pretend: replacing(zygote.machine) }
}

/** read(2) that gives these chunks one after another; a number is what it returns instead. At the end it gives 0. */
export function reading(...chunks: (Buffer | number)[]): Kernel['read'] {
  return (_, into) => {
    const chunk = chunks.shift() ?? 0
    return typeof chunk === 'number' ? chunk : chunk.copy(into)
  }
}

/** Takes the listeners of these events off this process at the end of the test that there were not before. */
export function keepListeners(t: TestContext, ...events: string[]): void {
  const before = events.map((event) => process.rawListeners(event))
  t.after(() => {
    for (const [at, event] of events.entries())
      for (const listener of process.rawListeners(event))
        if (!before[at]?.includes(listener)) process.off(event, listener as () => void)
  })
}
