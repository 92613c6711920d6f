import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { CommandModule } from 'yargs'
import { RuntimeError } from '../../runtime/core/errors.ts'
import type { GlobalFlags } from '../context.ts'
import { line } from '../output.ts'
import { packageRoot } from '../../runtime/core/package.ts'

/** Folders of this package whose files an application begins with. */
const TEMPLATES = {
  ts: ['examples/starter/common', 'examples/starter/ts'],
  js: ['examples/starter/common', 'examples/starter/js'],
  nest: ['examples/starter/common', 'examples/nestjs'],
}

interface InitFlags extends GlobalFlags {
  template: keyof typeof TEMPLATES
}

/** What `init` sets in a package.json. */
type Manifest = Partial<Record<'scripts' | 'dependencies' | 'devDependencies', Record<string, string>>> & {
  type?: string
  main?: string
}

/** `runtime init`: the first files of an application. Nothing that is there is changed, but for package.json. */
export const initCommand: CommandModule<GlobalFlags, InitFlags> = {
  builder: (yargs) =>
    yargs
      .option('template', {
        choices: Object.keys(TEMPLATES) as (keyof typeof TEMPLATES)[],
        default: 'ts' as const,
        describe: 'TypeScript, JavaScript, or a NestJS application',
      })
      .example('$0 init', 'refuses to overwrite'),
  handler: async ({ template }) => {
    const folder = process.cwd()
    const { 'package.json': manifest = '{}', ...files } = await filesOf(template)
    refuseOverwriting(folder, files)
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), text, { flag: 'wx' })
      line(`wrote ${name}`)
    }
    const path = join(folder, 'package.json')
    const existed = existsSync(path)
    const present = existed ? (JSON.parse(await readFile(path, 'utf8')) as Manifest) : {}
    await writeFile(
      path,
      `${JSON.stringify(withMissing(folder, present, JSON.parse(manifest) as Manifest), null, 2)}\n`,
    )
    line(`${existed ? 'added scripts and dependencies to' : 'wrote'} package.json`)
    line(
      template === 'nest'
        ? 'next: npm install, then npm start'
        : `next: npm install, then npm run dev, and in another terminal: npx runtime enqueue HelloJob '"world"' --wait`,
    )
  },
}

async function filesOf(template: keyof typeof TEMPLATES): Promise<Record<string, string>> {
  const settings = await readFile(join(packageRoot, 'config/runtime.yml'), 'utf8')
  const files: Record<string, string> = { 'config/runtime.yml': settings }
  for (const folder of TEMPLATES[template].map((path) => join(packageRoot, path))) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      const name = path.slice(folder.length + 1).replaceAll('\\', '/')
      if (!entry.isFile() || /(^|\/)(node_modules|dist|\.runtime)\//.test(name)) continue
      // npm leaves files with the real name out of packages.
      files[name === 'gitignore' ? '.gitignore' : name] = await readFile(path, 'utf8')
    }
  }
  if (template === 'nest') delete files['schedule.yml'] // it names a job of the other templates
  return files
}

/** @throws RuntimeError ERR_STATE when one of the files is there; a .gitignore, README or tsconfig.json of the application is kept */
function refuseOverwriting(folder: string, files: Record<string, string>): void {
  for (const name of ['.gitignore', 'README.md', 'tsconfig.json'])
    if (existsSync(join(folder, name))) delete files[name]
  const present = Object.keys(files).filter((name) => existsSync(join(folder, name)))
  if (present.length === 0) return
  throw new RuntimeError(
    'ERR_STATE',
    `init: expected a folder without ${present.join(', ')}; nothing was written: move them away, or write the files by hand`,
  )
}

/** The application's package.json with the template's scripts and dependencies; its own values stay. */
function withMissing(folder: string, present: Manifest, template: Manifest): Manifest {
  const scripts = { ...present.scripts }
  if (/no test specified/.test(scripts['test'] ?? '')) delete scripts['test']
  // `npm init` writes "commonjs" and a main file that is not there.
  const isNew = present.type === undefined || !existsSync(join(folder, present.main ?? 'index.js'))
  return {
    ...template,
    ...present,
    ...(isNew ? { type: 'module' } : {}),
    scripts: { ...template.scripts, ...scripts },
    dependencies: { ...template.dependencies, ...present.dependencies },
    ...(template.devDependencies
      ? { devDependencies: { ...template.devDependencies, ...present.devDependencies } }
      : {}),
  }
}
