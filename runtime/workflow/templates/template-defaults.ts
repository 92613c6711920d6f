import { existsSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readYaml } from '../../../config/yaml.ts'
import { RuntimeError } from '../../core/errors.ts'

/** The application's own file of defaults, in its root, where there is one. */
export const defaultsFile = 'templates.yml'

/**
 * Reads default parameters: a mapping of template names to mappings of parameters. Read for each run, so that a
 * change counts at once.
 * @param file a path relative to `root`, or a file: URL
 * @throws RuntimeError ERR_TEMPLATE with file and line
 */
export function readDefaults(file: string | URL, root: string): Record<string, Record<string, unknown>> {
  const path = typeof file === 'string' ? resolve(root, file) : fileURLToPath(file)
  const name = basename(path)
  const yaml = readYaml(textOf(path, name))
  if ('flaw' in yaml)
    throw new RuntimeError(
      'ERR_TEMPLATE',
      `${name}:${yaml.line}: expected YAML, got ${yaml.flaw.message.split('\n')[0]}`,
    )
  const read = yaml.value ?? {}
  if (!isMapping(read)) throw notMapping(name, 'a mapping of template names', read)
  for (const [template, values] of Object.entries(read)) {
    if (values !== null && !isMapping(values)) throw notMapping(name, `${template}: a mapping of parameters`, values)
  }
  return read as Record<string, Record<string, unknown>>
}

/** The application's own file, or nothing when there is none. */
export function appDefaults(root: string): Record<string, Record<string, unknown>> {
  return existsSync(resolve(root, defaultsFile)) ? readDefaults(defaultsFile, root) : {}
}

function textOf(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const why = (error as { code?: string }).code ?? String(error)
    throw new RuntimeError('ERR_TEMPLATE', `${name}: expected a file of defaults at ${path}, cannot read it (${why})`)
  }
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function notMapping(name: string, expected: string, got: unknown): RuntimeError {
  return new RuntimeError('ERR_TEMPLATE', `${name}: expected ${expected}, got ${JSON.stringify(got)}`)
}
