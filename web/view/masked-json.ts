import { head } from '../../config/clip.ts'
import { secretKeys } from '../../runtime/core/redact.ts'

const shownInstead = '"•••"'
/** Levels that are indented; deeper ones go on in the same column. */
const deepestIndent = 40

/** A string, a number or word, or one of JSON's signs. Whatever fits nothing is taken a character at a time. */
const tokenForm = /\s+|"(?:[^"\\]|\\[^])*"?|[{}[\]:,]|[^\s"{}[\]:,]+/gy

/** How to write a JSON text for people. */
export interface JsonStyle {
  /** One member a line, indented; else all on one line. */
  pretty?: boolean
  /** At most this many characters; what is longer ends with `…`. */
  most?: number
}

/** Writes JSON of jobs for people: numbers as they stand, values of secret members masked at any depth. */
export class MaskedJson {
  /** True for a member whose value is not shown: see runtime/core/redact.ts. */
  readonly isSecret: (name: string) => boolean

  /** @param more names besides the usual ones */
  constructor(more: readonly string[]) {
    this.isSecret = secretKeys(more)
  }

  /**
   * The text in its new form. Reads tokens, not values: no number is rounded, ten thousand levels are no deeper than one,
   * and what is no JSON comes out as it is, with the same names masked.
   */
  write(json: string, { pretty = false, most = Infinity }: JsonStyle = {}): string {
    const pieces: string[] = []
    let [length, depth, before] = [0, 0, '']
    let name: string | undefined
    const put = (text: string): void => {
      pieces.push(text)
      length += text.length
    }
    const line = (): void => put(`\n${'  '.repeat(Math.min(depth, deepestIndent))}`)
    const tokens = new Tokens(json)
    for (let token = tokens.next(); token !== undefined && length <= most; token = tokens.next()) {
      const isClosing = token === '}' || token === ']'
      if (isClosing) depth = Math.max(0, depth - 1)
      if (pretty && isClosing !== (before === '{' || before === '[') && (isClosing || isOpening(before))) line()
      if (before === ':' && name !== undefined && this.isSecret(name)) {
        tokens.skipValue(token)
        put(shownInstead)
        before = shownInstead
        name = undefined
        continue
      }
      // Only what is no JSON has two words side by side.
      if (isWord(token) && isWord(before)) put(' ')
      put(token)
      if (token === ',' && pretty) line()
      if (token === ':' && pretty) put(' ')
      if (isOpening(token)) depth += 1
      name = token === ':' ? textOf(before) : undefined
      before = token
    }
    const text = pieces.join('')
    return text.length > most || tokens.next() !== undefined ? `${head(text, Math.min(most, text.length))}…` : text
  }
}

const isOpening = (token: string): boolean => token === '{' || token === '['

const isWord = (token: string): boolean => /^[^{}[\]:,]/.test(token)

function textOf(token: string): string {
  try {
    return String(JSON.parse(token))
  } catch {
    return token
  }
}

/** The tokens of a JSON text, one after the other. */
class Tokens {
  readonly #json: string
  #at = 0

  constructor(json: string) {
    this.#json = json
  }

  next(): string | undefined {
    for (;;) {
      tokenForm.lastIndex = this.#at
      const [token] = tokenForm.exec(this.#json) ?? []
      if (token === undefined) return undefined
      this.#at = tokenForm.lastIndex
      if (!/^\s/.test(token)) return token
    }
  }

  /** Passes over a value whose first token was read. */
  skipValue(first: string): void {
    if (!isOpening(first)) return
    for (let depth = 1; depth > 0;) {
      const token = this.next()
      if (token === undefined) return
      depth += isOpening(token) ? 1 : token === '}' || token === ']' ? -1 : 0
    }
  }
}
