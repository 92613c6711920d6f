import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { CommandModule } from 'yargs'
import { RuntimeError } from '../../runtime/core/errors.ts'
import type { GlobalFlags } from '../context.ts'
import { line } from '../output.ts'
import { packageRoot } from '../../runtime/core/package.ts'

const HELLO_JOB = `import { Job } from 'resque-runtime'

/** Says hello: \`npx resque-runtime enqueue HelloJob '"world"' --wait\` */
export class HelloJob extends Job {
  static queue = 'default'
  static keepResult = '1h'

  async perform(name: string) {
    this.log(\`greeting \${name}\`)
    return \`hello \${name}, from process \${process.pid}\`
  }
}
`

const SCHEDULE = `# What runs when. \`npx resque-runtime schedule next 5\` shows the next firings without firing any.
hello_every_morning:
  cron: '0 8 * * *'      # minute hour day month weekday; a zone may follow: '0 8 * * * Europe/Berlin'
  class: HelloJob
  queue: default
  args: [morning]
  description: Greets at eight
`

/** `runtime init`: the first files of an application; nothing that is there is touched. */
export const initCommand: CommandModule<GlobalFlags, GlobalFlags> = {
  builder: (yargs) => yargs.example('$0 init', 'refuses to overwrite'),
  handler: async () => {
    await writeNew(process.cwd(), {
      'src/jobs/hello-job.ts': HELLO_JOB,
      'schedule.yml': SCHEDULE,
      'config/runtime.yml': await readFile(join(packageRoot, 'config/runtime.yml'), 'utf8'),
    })
    line(`next: npx resque-runtime dev, and in another terminal: npx resque-runtime enqueue HelloJob '"world"' --wait`)
  },
}

/** Writes all of the files, or none when one is there already. */
async function writeNew(folder: string, files: Record<string, string>): Promise<void> {
  const there = Object.keys(files).filter((name) => existsSync(join(folder, name)))
  if (there.length > 0) {
    throw new RuntimeError(
      'ERR_STATE',
      `init: expected a folder without ${there.join(', ')}; nothing was written: move them away, or write the files by hand`,
    )
  }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text, { flag: 'wx' })
    line(`wrote ${name}`)
  }
}
