import { head } from '../../config/clip.ts'
import type { Document, LineCounter as Lines, Node, Pair, ParsedNode, Scalar, YAMLMap } from 'yaml'
import { library } from '../../config/library.ts'
import { RuntimeError, toError } from '../../runtime/core/errors.ts'
import type { CheckContext, ScheduleEntry, ScheduleProblem } from './entry.ts'
import { formatProblem } from './entry.ts'
import { checkEntry, type CheckedEntry } from './entry-check.ts'
import { findPair, keyOf, resolved, rubyReads, toJsonText, withoutColon } from './yaml-source.ts'

const { isMap, isScalar, isSeq, LineCounter, parseDocument, visit } = library('yaml')

/** A schedule as far as it could be read: the good entries, and what is wrong with the others. */
export interface Schedule {
  entries: Map<string, ScheduleEntry>
  problems: ScheduleProblem[]
}

/**
 * Reads and checks a schedule.yml (resque-scheduler's format without ERB). What is wrong with one entry does not keep
 * the others, not even a syntax error where YAML can tell where the next entry begins.
 */
export function readSchedule(text: string, context: CheckContext): Schedule {
  const schedule: Schedule = { entries: new Map(), problems: [] }
  const seen = new Set<string>()
  for (const parsed of documentsOf(text)) readDocument(parsed, context, schedule, seen)
  schedule.problems.sort((a, b) => a.line - b.line)
  return schedule
}

/**
 * The entries of a schedule in which nothing is wrong (`--strict`).
 * @throws RuntimeError ERR_SCHEDULE that lists every error
 */
export function requireSound(schedule: Schedule): Map<string, ScheduleEntry> {
  const errors = schedule.problems.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new RuntimeError('ERR_SCHEDULE', errors.map(formatProblem).join('\n'))
  return schedule.entries
}

/** Checks one entry that came as JSON: `persistent_schedules`, or `setSchedule`. JSON is YAML, so numbers keep their digits. */
export function readEntry(name: string, json: string, context: CheckContext): CheckedEntry {
  const parsed = parse(json)
  const [error] = parsed.document.errors
  if (error || !isMap(parsed.document.contents)) {
    const got = error ? firstLine(error.message) : JSON.stringify(head(json, 60))
    return {
      problems: [
        {
          file: context.file,
          line: 0,
          entry: name,
          severity: 'error',
          message: `expected a JSON object of options, got ${got}`,
        },
      ],
    }
  }
  return checkMap(name, parsed.document.contents, () => 0, parsed.document, context)
}

/** A node of the document; its text begins at the first number. */
interface Ranged {
  range?: readonly [number, ...number[]] | null
}

interface Parsed {
  document: Document
  lines: Lines
  /** Such text is for Ruby's scheduler, which evaluates it. */
  hasErb: boolean
}

function parse(text: string): Parsed {
  const lines = new LineCounter()
  // uniqueKeys compares every key with every other, which takes seconds for thousands of entries: `repeated` looks instead.
  const options = {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
    logLevel: 'error',
    uniqueKeys: false,
  } as const
  return { document: parseDocument(text, options), lines, hasErb: text.includes('<%') }
}

/**
 * The text as one document where YAML can read it. Otherwise each entry with a syntax error is a document of its own, and
 * the text without them is one: anchors are then known in all the other entries. Line numbers stay.
 */
function documentsOf(text: string): Parsed[] {
  const whole = parse(text)
  if (whole.document.errors.length === 0) return [whole]
  const lines = text.split('\n')
  const starts = lines.flatMap((line, i) => (/^[^\s#\-}\]]/.test(line) ? [i] : []))
  if (starts[0] !== 0) starts.unshift(0)
  const chunks = starts.map((start, i) => ({ start, text: lines.slice(start, starts[i + 1]).join('\n') }))
  const parsed = chunks.map((chunk) => parse('\n'.repeat(chunk.start) + chunk.text))
  const isGood = (i: number): boolean => parsed[i]?.document.errors.length === 0
  const rest = parse(chunks.map((chunk, i) => (isGood(i) ? chunk.text : chunk.text.replace(/[^\n]/g, ''))).join('\n'))
  return rest.document.errors.length === 0 ? [rest, ...parsed.filter((_, i) => !isGood(i))] : parsed
}

function readDocument(parsed: Parsed, context: CheckContext, schedule: Schedule, seen: Set<string>): void {
  const { document, lines, hasErb } = parsed
  const advice = hasErb ? '; ERB (<% … %>) is not evaluated: write the values out' : ''
  const say = (line: number, message: string, entry?: string): void => {
    schedule.problems.push({ file: context.file, line, entry, severity: 'error', message })
  }
  const lineAt = (offset: number): number => lines.linePos(offset).line
  const contents = document.contents
  if (document.errors.length > 0 || document.warnings.length > 0) {
    const entry = isMap(contents) && contents.items[0] ? nameOf(contents.items[0]) : undefined
    for (const error of [...document.errors, ...document.warnings])
      say(lineAt(error.pos[0]), `expected YAML: ${firstLine(error.message)}${advice}`, entry)
    if (document.errors.length > 0) return
  }
  if (contents === null || (isScalar(contents) && contents.value === null)) return
  if (!isMap(contents)) {
    const { range } = contents as ParsedNode
    return say(
      lineAt(range[0]),
      `expected entries such as \`cleanup:\` with options under them, got something else${advice}`,
    )
  }
  for (const pair of contents.items) {
    const name = nameOf(pair)
    const line = lineAt((pair.key as ParsedNode).range[0])
    if (name === '' || !isScalar(pair.key))
      say(line, `expected a name for the entry, such as \`cleanup:\`, got ${kindOf(pair.key)}`)
    else if (seen.has(name)) say(line, 'expected one entry of this name, got another', name)
    else readPair(pair, name, line, lineAt, document, context, schedule)
    seen.add(name)
  }
}

function readPair(
  pair: Pair,
  name: string,
  line: number,
  lineAt: (offset: number) => number,
  document: Document,
  context: CheckContext,
  schedule: Schedule,
): void {
  const value = resolved(pair.value, document)
  const lineOf = (at: Ranged | null): number => (at?.range ? lineAt(at.range[0]) : line)
  const checked = isMap(value)
    ? checkMap(name, value, lineOf, document, context, line)
    : checkEntry({ name, line, value: value?.toJS(document), lineOf: () => line, argsText: () => '[]' }, context)
  schedule.problems.push(...checked.problems)
  if (checked.entry) schedule.problems.push(...readOtherwise(pair, checked.entry, lineOf, context))
  if (checked.entry) schedule.entries.set(name, checked.entry)
}

function checkMap(
  name: string,
  map: YAMLMap,
  lineOf: (node: Ranged | null) => number,
  document: Document,
  context: CheckContext,
  line = 0,
): CheckedEntry {
  try {
    const twice = map.items.map(nameOf).find((key, i, all) => key !== '<<' && all.indexOf(key) !== i)
    if (twice !== undefined) {
      return {
        problems: [
          {
            file: context.file,
            line,
            entry: name,
            severity: 'error',
            message: `${twice}: expected it once, got it twice`,
          },
        ],
      }
    }
    const args = findPair(map, 'args', document)
    return checkEntry(
      {
        name,
        line,
        value: map.toJS(document),
        lineOf: (option) => lineOf(findPair(map, option, document)?.key ?? null),
        argsText: () => toJsonText(args?.value, document),
      },
      context,
    )
  } catch (error) {
    // Too many aliases, or an anchor that is not there.
    return { problems: [{ file: context.file, line, entry: name, severity: 'error', message: toError(error).message }] }
  }
}

/** Warnings about plain values that Ruby's YAML 1.1 reads otherwise: the same file may serve both. */
function readOtherwise(
  pair: Pair,
  { name }: ScheduleEntry,
  lineOf: (node: Ranged | null) => number,
  { file }: CheckContext,
): ScheduleProblem[] {
  const problems: ScheduleProblem[] = []
  visit(pair.value as Node, {
    Scalar: (_, node) => {
      const reads = node.type === 'PLAIN' ? rubyReads((node as Scalar.Parsed).source) : undefined
      if (reads === undefined) return
      const message = `expected a value that Ruby reads alike, got ${node.source}: here it is ${JSON.stringify(node.value)}, to Ruby ${reads}; write it out, in quotes if it is text`
      problems.push({ file, line: lineOf(node), entry: name, severity: 'warning', message })
    },
  })
  return problems
}

const nameOf = (pair: Pair): string => withoutColon(keyOf(pair) ?? '?')

/** What stands in place of a name. */
const kindOf = (key: unknown): string =>
  isMap(key) ? 'a mapping' : isSeq(key) ? 'a list' : isScalar(key) ? 'nothing' : 'an alias'

const firstLine = (message: string): string => message.replace(/\n[^]*/, '')
