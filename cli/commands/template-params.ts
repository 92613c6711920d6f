import { parseLossless } from '../../runtime/core/codec.ts'
import { didYouMean } from '../../config/did-you-mean.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import type { Template, TemplateParameter } from '../../runtime/workflow/templates/template.ts'
import { jsonArgument, objectArgument } from './workflow-target.ts'

/** One flag of the command line: `--doc-id 5`, `--doc-id=5`, `--fast`, `--no-fast`. */
interface Flag {
  name: string
  /** True for a flag without a value, false for its `--no-` form. */
  value: string | boolean
}

/**
 * Parameters of a template from flags: `--doc-id` is `doc_id` or `docId`, whichever it has. Values are read as the
 * type that the schema names; where it names none, as text, or as JSON when text does not fit.
 * @param words what stands behind the template's name
 * @param base JSON object of more parameters, under the flags
 * @throws RuntimeError ERR_USAGE for unknown names and values of another type
 */
export async function readParams(template: Template, words: readonly string[], base?: string): Promise<object> {
  const given = base === undefined ? {} : objectArgument(base, '--values')
  const { list, complete } = await template.parameters()
  const texts: Record<string, unknown> = { ...given }
  const values: Record<string, unknown> = { ...given }
  for (const { name, value } of readFlags(words)) {
    const parameter = list.find((one) => plain(one.name) === plain(name))
    if (!parameter && complete) throw unknown(template.name, name, list)
    const key = parameter?.name ?? name.replaceAll('-', '_')
    texts[key] = typed(value, parameter?.type, name)
    values[key] = parameter?.type === undefined ? loose(value) : texts[key]
  }
  return template.input(texts).then(
    () => texts,
    () => values,
  )
}

function readFlags(words: readonly string[]): Flag[] {
  const flags: Flag[] = []
  for (let i = 0; i < words.length; i += 1) {
    const [, name, , inline] = /^--([A-Za-z][\w-]*)(=([\s\S]*))?$/.exec(words[i] ?? '') ?? []
    if (name === undefined) {
      throw new RuntimeError('ERR_USAGE', `expected parameters as --name value, got ${JSON.stringify(words[i])}`)
    }
    const next = words[i + 1]
    if (inline !== undefined) flags.push({ name, value: inline })
    else if (next !== undefined && !/^--[A-Za-z]/.test(next)) {
      flags.push({ name, value: next })
      i += 1
    } else flags.push(name.startsWith('no-') ? { name: name.slice(3), value: false } : { name, value: true })
  }
  return flags
}

function typed(value: string | boolean, type: string | undefined, name: string): unknown {
  if (type === undefined || type === 'string') return value
  if (type === 'boolean') {
    if (typeof value === 'boolean' || value === 'true' || value === 'false') return value === true || value === 'true'
    throw new RuntimeError(
      'ERR_USAGE',
      `--${name}: expected true or false, or the flag alone, got ${JSON.stringify(value)}`,
    )
  }
  if (type === 'number' || type === 'integer') {
    const number = Number(value)
    if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(number)) return number
    throw new RuntimeError('ERR_USAGE', `--${name}: expected a number, got ${JSON.stringify(value)}`)
  }
  return jsonArgument(String(value), `--${name}`)
}

function loose(value: string | boolean): unknown {
  if (typeof value === 'boolean') return value
  try {
    return parseLossless(value)
  } catch {
    return value
  }
}

const plain = (name: string): string => name.replaceAll(/[-_]/g, '').toLowerCase()
const kebab = (name: string): string =>
  name
    .replaceAll('_', '-')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()

/** What `template run` and `show` take for themselves, and never hand on. */
const ownFlags = [
  ...['name', 'params', 'values', 'wait', 'timeout'],
  ...['redis', 'namespace', 'config', 'log-level', 'json', 'help', 'version'],
]

/** How a parameter is given: as a flag, or in `--values` where a flag of that name is the command's own. */
export function flagOf({ name }: Pick<TemplateParameter, 'name'>): string {
  const flag = kebab(name)
  return ownFlags.includes(flag) ? `--values '{"${name}":…}'` : `--${flag}`
}

function unknown(template: string, name: string, list: readonly TemplateParameter[]): RuntimeError {
  const flags = list.map(flagOf)
  const known = flags.length === 0 ? 'no parameters' : `parameters ${flags.join(', ')}`
  return new RuntimeError(
    'ERR_USAGE',
    `template ${template}: expected ${known}, got --${name}${didYouMean(`--${name}`, flags)}`,
  )
}
