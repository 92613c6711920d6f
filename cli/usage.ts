import { didYouMean, nearest } from '../config/did-you-mean.ts'
import { RuntimeError } from '../runtime/core/errors.ts'

/** A command as the command line knows it. */
export interface CommandNode {
  /** `show <index>`, or that and its other names; `$0` stands for no name at all. */
  command?: string | readonly string[] | undefined
  describe?: string | false
  /** A command line that works. */
  example?: string
  /** Of a group: what may follow. */
  commands?: readonly CommandNode[]
}

/** The options that yargs has for the command at hand. */
export interface KnownOptions {
  key: Record<string, unknown>
  number: readonly string[]
  boolean: readonly string[]
  array: readonly string[]
}

/** `--in -5s` as `--in=-5s`: yargs would read the value as options `-5` and `-s`. */
export function joinNegatives(words: readonly string[]): string[] {
  return words.flatMap((word, i) => {
    if (isOption(words[i - 1]) && isNegative(word)) return []
    return isOption(word) && isNegative(words[i + 1]) ? [`${word}=${words[i + 1]}`] : [word]
  })
}

const isOption = (word = ''): boolean => /^--[a-z][a-z-]*$/.test(word)
/** A negative number and its unit; a bare one is a value to yargs, too. */
const isNegative = (word = ''): boolean => /^-\d[\d.]*\s*[a-z]/i.test(word)

/**
 * Values that yargs would let pass: a number that is none (NaN), a flag with a value (false), one option given twice.
 * @throws RuntimeError ERR_USAGE
 */
export function checkValues(argv: Record<string, unknown>, words: readonly string[], known: KnownOptions): true {
  for (const name of Object.keys(known.key)) {
    const value = argv[name]
    const given = givenTo(name, words)
    if (Array.isArray(value) && !known.array.includes(name)) refuse(name, 'one value', `it ${value.length} times`)
    if (known.number.includes(name) && value !== undefined && !isWhole(name, value)) {
      refuse(name, name === 'start' ? 'a whole number' : `a whole number, ${least(name)} or more`, given ?? 'nothing')
    }
    if (
      known.boolean.includes(name) &&
      words.some((word) => word.startsWith(`--${name}=`)) &&
      !/^(true|false)$/.test(given ?? '')
    )
      refuse(name, 'no value', given ?? '')
  }
  return true
}

const least = (name: string): number => (name === 'offset' ? 0 : 1)

function isWhole(name: string, value: unknown): boolean {
  return Number.isSafeInteger(value) && (name === 'start' || (value as number) >= least(name))
}

function refuse(name: string, expected: string, got: string): never {
  throw new RuntimeError('ERR_USAGE', `--${name}: expected ${expected}, got ${got}`)
}

function givenTo(name: string, words: readonly string[]): string | undefined {
  const at = words.findLastIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`))
  const word = words[at]
  return word?.includes('=') ? word.slice(name.length + 3) : words[at + 1]
}

/** What yargs found wrong with a command line, in our own words: what was expected, what came, what to do. */
export function usageProblem(
  found: string,
  words: readonly string[],
  tree: readonly CommandNode[],
  known: KnownOptions,
): string {
  const { path, node } = commandOf(words, tree)
  const help = `see ${['runtime', ...path].join(' ')} --help`
  const example = node.example === undefined ? help : `write for example: runtime ${node.example}`
  const of = path.length === 0 ? '' : `${path.join(' ')}: `
  const unknown = /^Unknown (?:argument|command)s?: ([^,]*)/.exec(found)?.[1]
  if (unknown !== undefined && words.some((word) => /^--?([^=]*)/.exec(word)?.[1] === unknown)) {
    const guess = nearest(unknown, Object.keys(known.key))
    return `${of}--${unknown}: expected a known option, got an unknown one${guess === undefined ? '' : `; did you mean --${guess}?`}; ${help}`
  }
  const [, got, need] = /^Not enough non-option arguments: got (\d+), need at least (\d+)/.exec(found) ?? []
  if (node.commands && (unknown ?? need) !== undefined) {
    const names = node.commands.map(nameOf)
    const guess = unknown === undefined ? '' : didYouMean(unknown, names)
    return `${of}expected one of ${names.join(', ')}, got ${unknown ?? 'nothing'}${guess}; ${help}`
  }
  if (unknown !== undefined) return `${of}expected no further argument, got ${unknown}; ${example}`
  if (need !== undefined) return `${of}expected ${required(node)}, got ${got} of ${need}; ${example}`
  return `${of}${ofValues(found)}; ${help}`
}

function ofValues(found: string): string {
  const flat = found.replace(/\s+/g, ' ').trim()
  const [, one, other] = /^Arguments (\S+) and (\S+) are mutually exclusive/.exec(flat) ?? []
  if (one !== undefined) return `expected either --${one} or --${other}, got both`
  const [, bare] = /^Not enough arguments following: (\S+)/.exec(flat) ?? []
  if (bare !== undefined) return `--${bare}: expected a value, got nothing`
  const [, name, got, choices] = /Argument: ([^,]*), Given: "?(.*?)"?, Choices: (.*)$/.exec(flat) ?? []
  return name === undefined ? flat : `--${name}: expected one of ${choices?.replaceAll('"', '')}, got ${got}`
}

/** The command that the words name: options may stand anywhere between them. */
function commandOf(words: readonly string[], tree: readonly CommandNode[]): { path: string[]; node: CommandNode } {
  const path: string[] = []
  let node: CommandNode = { commands: tree }
  for (const word of words) {
    const next = node.commands?.find((one) => namesOf(one).includes(word))
    if (!next) continue
    path.push(word)
    node = next
  }
  return { path, node }
}

function namesOf({ command }: CommandNode): string[] {
  return [command ?? []].flat().map((form) => form.split(' ')[0] ?? '')
}

/** The name of a command. */
export const nameOf = (node: CommandNode): string => namesOf(node)[0] ?? ''

/** `<class>`: the positionals that must be given. */
function required({ command }: CommandNode): string {
  return [[command ?? []].flat()[0]?.match(/<[^>]+>/g) ?? []].flat().join(' ')
}
