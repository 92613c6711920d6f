/** Escapes of half surrogate pairs, and backslashes that are themselves escaped and so begin no escape. */
const escapes = /\\(?:\\|ud[89a-f]..)/g
/** What JavaScript writes unlike Ruby: a fraction below 0.0001, or an exponent. Texts that look like one match, too. */
const unlikeRuby = /0\.0000|\de[-+]\d/

/**
 * JSON text of plain data that {@link findNotJson} finds nothing in, as Ruby's JSON writes it, since Ruby's `dequeue`
 * compares bytes: 0.00001 is `1.0e-05`, 1e21 is `1.0e+21`. A BigInt is written as the integer that it is. Half of a
 * surrogate pair becomes U+FFFD: neither Ruby nor Redis's cjson reads the escape that JSON.stringify writes for it.
 */
export function jsonText(value: unknown): string {
  const text = plainText(value)
  return text === undefined || unlikeRuby.test(text) ? wholeEscapes(write(value)) : wholeEscapes(text)
}

/** JSON text in which the escape of half a surrogate pair is U+FFFD. */
export function wholeEscapes(json: string): string {
  if (!json.includes('\\ud')) return json
  return json.replace(escapes, (escape) => (escape === '\\\\' ? escape : '\\ufffd'))
}

/** The object that a JSON text is; undefined for an array, any other value, and what is no JSON. */
export function jsonObject(text: string): object | undefined {
  const value = jsonValue(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
}

/** The array that a JSON text is; an empty one for any other value, and what is no JSON. */
export function jsonArray(text: string | undefined): unknown[] {
  const value = jsonValue(text)
  return Array.isArray(value) ? (value as unknown[]) : []
}

/** The value of a JSON text; undefined for what is no JSON. */
export function jsonValue(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown)
  } catch {
    return undefined
  }
}

/** The value of a JSON text; a text that is no JSON, such as one that was cut, as it is. */
export function jsonOrText(text: string | undefined): unknown {
  const value = jsonValue(text)
  return value === undefined ? text : value
}

/** What others have put where a text belongs: a text as it is, nothing as an empty one, any other value as its JSON. */
export const textIn = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value)

/** JSON.stringify's text; undefined where it refuses a BigInt. */
function plainText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

function write(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return numberText(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${write(member)}`).join(',')}}`
}

/** A number as Ruby's Float#to_s: an exponent below 0.0001 and from 1e21, of two digits at least, behind a fraction. */
function numberText(value: number): string {
  const size = Math.abs(value)
  if (size === 0 || (size >= 1e-4 && size < 1e21)) return String(value)
  const [digits = '', exponent = ''] = value.toExponential().split('e')
  return `${digits.includes('.') ? digits : `${digits}.0`}e${exponent.charAt(0)}${exponent.slice(1).padStart(2, '0')}`
}

/**
 * The members of a JSON object as the exact text of their values, in order. The text must already have parsed: this
 * scanner only finds where values begin and end, so that a payload can be carried on without being re-encoded
 * (promise 11: no reordering, no number rounded). When a name stands twice the last one counts, as in JSON.parse.
 */
export function rawMembers(json: string): Map<string, string> {
  const members = new Map<string, string>()
  let at = skipBlank(json, json.indexOf('{') + 1)
  while (json[at] === '"') {
    const nameEnd = skipString(json, at)
    const name = JSON.parse(json.slice(at, nameEnd)) as string
    const start = skipBlank(json, skipBlank(json, nameEnd) + 1)
    const end = skipValue(json, start)
    members.set(name, json.slice(start, end))
    at = skipBlank(json, end)
    if (json[at] === ',') at = skipBlank(json, at + 1)
  }
  return members
}

/** Where the next character that is no blank stands, or the end. */
export function skipBlank(json: string, from: number): number {
  let at = from
  while (at < json.length && /\s/.test(json[at] ?? '')) at += 1
  return at
}

/** Where the text that begins with the quote at `from` is over: behind its other quote. */
export function skipString(json: string, from: number): number {
  let at = from + 1
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at + 1
}

function skipValue(json: string, from: number): number {
  const first = json[from]
  if (first === '"') return skipString(json, from)
  if (first !== '{' && first !== '[') {
    let at = from
    while (at < json.length && !/[,}\]\s]/.test(json[at] ?? '')) at += 1
    return at
  }
  let depth = 0
  let at = from
  do {
    const char = json[at]
    if (char === '"') {
      at = skipString(json, at)
      continue
    }
    if (char === '{' || char === '[') depth += 1
    if (char === '}' || char === ']') depth -= 1
    at += 1
  } while (depth > 0 && at < json.length)
  return at
}
