// Inputs made from valid ones: a text with a few changes gets much further into a parser than random characters.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCodes } from '../../runtime/core/errors.ts'
import { runs } from './properties.ts'

/** No parser may take longer for one input, even on a machine that is busy. */
const longestMs = 2000

const tokens = [
  ...[
    '"',
    "'",
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\n',
    '\t',
    '- ',
    '&a ',
    '*a',
    '<<: *a',
    '!!set ',
    '!x ',
    '|',
    '>',
    '#',
    '%',
    '---\n',
    '? ',
  ],
  ...[
    '-1',
    '0',
    '1e999',
    '0x10',
    '99999999999999999999',
    '1.5',
    'NaN',
    'null',
    '~',
    'true',
    'PT5M',
    '* * *',
    '@',
    '=',
    ' --',
    '--no-',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    '"toString":1',
    '\0',
    '\u2028',
    '😀',
    '\ud83d',
    '\ufeff',
    'é',
    '../',
    '${x}',
    '<b>',
    '%00',
    '%zz',
    '\r',
  ],
  ...['a'.repeat(3000), '['.repeat(1500), '{"a":'.repeat(800), '9'.repeat(400), ' '.repeat(2000), '\n'.repeat(500)],
]
const values: unknown[] = [
  ...[null, true, false, 0, -1, 2 ** 53, 1e308, 1.5, '', 'x', '0', '-1', 'NaN', '\0', '\ud83d', 'a'.repeat(3000)],
  ...[
    [],
    {},
    [[]],
    [null],
    { a: 1 },
    { toString: 1, valueOf: 1 },
    [{ toString: null }],
    { length: -1 },
    JSON.parse('{"__proto__":{"a":1}}'),
  ],
]

/** Numbers from a seed, each run the same ones. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** 0 to `max` - 1. */
  below(max: number): number {
    // xorshift32
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % Math.max(max, 1)
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)]
    assert.ok(list.length > 0)
    return picked as T
  }
}

/** A valid text with one to four changes: of characters, pieces, lines, or of a value inside its JSON. */
export function mutated(dice: Dice, seeds: readonly string[]): string {
  let text = dice.pick(seeds)
  for (let left = 1 + dice.below(4); left > 0; left -= 1) text = changedOnce(dice, text, seeds)
  return text
}

function changedOnce(dice: Dice, text: string, seeds: readonly string[]): string {
  const at = dice.below(text.length + 1)
  const to = at + dice.below(Math.min(text.length - at, 40) + 1)
  const put = (piece: string): string => text.slice(0, at) + piece + text.slice(to)
  switch (dice.below(8)) {
    case 0:
      return put('')
    case 1:
      return put(text.slice(at, to).repeat(1 + dice.below(20)) + text.slice(at, to))
    case 2:
      return text.slice(0, at) + dice.pick(tokens) + text.slice(at)
    case 3:
      return put(dice.pick(tokens))
    case 4:
      return text.replace(/-?\d+(\.\d+)?/, () => dice.pick(['-1', '0', '1e21', '9'.repeat(25), '0.1', 'x', '']))
    case 5: {
      const other = dice.pick(seeds)
      const from = dice.below(other.length)
      return put(other.slice(from, from + dice.below(80)))
    }
    case 6: {
      const lines = text.split('\n')
      const line = dice.below(lines.length)
      return lines.toSpliced(line, dice.below(2), dice.pick(lines), `  ${lines[line] ?? ''}`).join('\n')
    }
    default:
      return withOtherValue(dice, text) ?? put(String.fromCharCode(dice.below(256)))
  }
}

/** A JSON text with another value, or member, at a random place. */
function withOtherValue(dice: Dice, text: string): string | undefined {
  try {
    return JSON.stringify(replaced(dice, JSON.parse(text)))
  } catch {
    return undefined
  }
}

function replaced(dice: Dice, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || dice.below(4) === 0) return dice.pick(values)
  if (Array.isArray(value)) {
    const at = dice.below(value.length + 1)
    return value.toSpliced(at, 1, replaced(dice, value[at]))
  }
  const names = Object.keys(value)
  const name = dice.below(6) === 0 ? dice.pick(['toString', 'constructor', 'x']) : dice.pick([...names, 'x'])
  return { ...value, [name]: replaced(dice, (value as Record<string, unknown>)[name]) }
}

/** What a parser says of its own: an error with a code of ours, or of one of these names, as where JSON.parse's contract is kept. */
export function isOwn(error: unknown, ...names: string[]): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as { code?: unknown }
  return (typeof code === 'string' && Object.hasOwn(errorCodes, code)) || names.includes(error.name)
}

/**
 * Gives a parser inputs made from valid ones: it gives a value or an error of its own, in bounded time.
 * @param parse throws, or rejects with, what it has to say
 * @param names of errors that are its own besides those with a code
 * @param also inputs that are tried in each run: those that were once answered with an error of JavaScript
 */
export function fuzz(
  what: string,
  seeds: readonly string[],
  parse: (text: string) => unknown,
  { few = 150, most = Infinity, names = [] as string[], also = [] as string[] } = {},
): void {
  test(what, async () => {
    const dice = new Dice(Number(process.env.PROPERTY_SEED ?? 20_271) + what.length * 7919)
    for (const seed of seeds) await parse(seed)
    for (let i = 0; i < runs(few, most) + also.length; i += 1) {
      const text = also[i] ?? mutated(dice, seeds)
      const startedAt = performance.now()
      try {
        await parse(text)
      } catch (error) {
        if (!isOwn(error, ...names)) throw new Error(`${what}: input ${i}: ${shown(text)}`, { cause: error })
      }
      const tookMs = performance.now() - startedAt
      assert.ok(tookMs < longestMs, `${what}: input ${i} took ${Math.round(tookMs)} ms: ${shown(text)}`)
    }
  })
}

/** Calls a reader that may refuse its text, but only in its own way. */
export function refusedWith(code: string, read: () => unknown): void {
  try {
    read()
  } catch (error) {
    assert.equal((error as { code?: string }).code, code, String(error))
  }
}

const shown = (text: string): string =>
  text.length > 1500 ? `${JSON.stringify(text.slice(0, 1500))}… ${text.length}` : JSON.stringify(text)
