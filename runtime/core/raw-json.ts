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
