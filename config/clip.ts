/** Half of a surrogate pair that stands alone, such as the end of a text that was cut inside an emoji. */
const loneSurrogate = /\p{Surrogate}/gu

/**
 * Text with whole characters only: half of a surrogate pair becomes U+FFFD. Ruby's JSON and Redis's cjson refuse what
 * JSON.stringify writes for it (`\ud83d`), and with it the whole text.
 */
export const wholeCharacters = (text: string): string => text.replace(loneSurrogate, '\ufffd')

/** The first `length` UTF-16 units of a text, one fewer where the cut would split an emoji; whole characters only. */
export function head(text: string, length: number): string {
  if (text.length <= length) return wholeCharacters(text)
  const first = text.slice(0, length)
  return wholeCharacters(/[\ud800-\udbff]$/.test(first) ? first.slice(0, -1) : first)
}

/** Text of at most `length` UTF-16 units for people: one that is longer ends with `…`. */
export const clip = (text: string, length: number): string =>
  text.length > length ? `${head(text, length - 1)}…` : wholeCharacters(text)

/** The same on one line. */
export const clipLine = (text: string, length: number): string => clip(text.replace(/\s+/g, ' '), length)

/** At most `most` names, and `…` in place of the others. */
export const clipList = (names: readonly string[], most: number): string =>
  names.slice(0, most).join(', ') + (names.length > most ? ', …' : '')

/**
 * Text that a terminal only shows: control characters (ESC, BEL, NUL, carriage return, the 8-bit ones) are written as
 * `\\u001b`, but for tabs and line feeds. That is also how JSON writes them, so JSON stays what it is.
 */
export const printable = (text: string): string =>
  text.replace(/(?![\t\n])\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`)
