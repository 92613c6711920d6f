import { clip } from './clip.ts'
import { RuntimeError } from './runtime-error.ts'
import { didYouMean } from './did-you-mean.ts'
import { MASK, maskUrl } from './redis-url.ts'
import { configShape, SECTIONS, SUBSECTIONS } from './schema.ts'
import type { Issue } from './shape.ts'

/**
 * A setting that cannot be used. Ends the command with exit code 2; each problem is one line that says where it stands,
 * what was expected, what came, and what to do.
 */
export class ConfigError extends RuntimeError {
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options?: { cause?: unknown }) {
    super('ERR_CONFIG', problems.join('\n'), options)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

type Place = (path: readonly PropertyKey[]) => string

/** What a check found, as one line each: `<place>: <setting>: expected …, got …; <what to do>`. */
export function describeProblems(issues: readonly Issue[], tree: unknown, place: Place): string[] {
  return issues.map((issue): string => {
    const { path } = issue
    const name = path.join('.')
    if (issue.kind === 'unknown') return `${place(path)}: ${unknownKey(path)}`
    const got = shown(path, valueAt(tree, path))
    if (issue.kind === 'not a group')
      return `${place(path)}: ${name}: expected a group of settings, got ${got}; write its settings under it, indented`
    const { wanted, example } = issue.field
    return `${place(path)}: ${name}: expected ${wanted}, got ${got}; write for example ${path.at(-1)}: ${example}`
  })
}

function unknownKey(path: readonly string[]): string {
  const name = path.join('.')
  const key = path.at(-1) ?? ''
  const siblings = knownKeys(path.slice(0, -1).join('.'))
  const hint = didYouMean(key, siblings)
  if (hint) return `${name}: expected a known setting, got an unknown one${hint}`
  const home = Object.entries(SECTIONS).find(([, shape]) => key in shape)?.[0]
  if (home) return `${name}: expected a known setting, got one that belongs under ${home}; write ${home}.${key}`
  return `${name}: expected one of ${siblings.join(', ')}; got an unknown setting; take it out`
}

function knownKeys(group: string): string[] {
  if (group === '') return Object.keys(configShape)
  const groups: Record<string, object> = { ...SECTIONS, ...SUBSECTIONS }
  return Object.keys(groups[group] ?? {})
}

function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], tree)
}

/** A value as a message may show it: short, and never a secret. */
function shown(path: readonly PropertyKey[], value: unknown): string {
  if (value === undefined) return 'nothing'
  if (path.at(-1) === 'password') return typeof value === 'string' ? MASK : `a ${typeof value}`
  // An address that cannot be parsed is not shown: any part of it may be the password.
  if (path.at(-1) === 'url')
    return typeof value === 'string' ? 'an address that cannot be read (not shown)' : `a ${typeof value}`
  const text = maskUrl(JSON.stringify(value))
  return clip(text, 80)
}
