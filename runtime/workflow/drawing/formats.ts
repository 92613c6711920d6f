import { RuntimeError } from '../../core/errors.ts'
import type { ShownState } from '../run/run-state.ts'
import { foldLabel, foldState, stateText, type Fold, type FoldedGraph } from './fold.ts'
import { plural } from '../../core/plural.ts'

/** Ways to draw a graph. */
export const drawingFormats = ['svg', 'dot', 'mermaid', 'text'] as const
/** One of {@link drawingFormats}. */
export type DrawingFormat = (typeof drawingFormats)[number]

type Colours = Record<ShownState, readonly [fill: string, border: string]>

/** Fill and border of each state; distinct also in grey. */
const colours: Colours = {
  staged: ['#ffffff', '#999999'],
  waiting: ['#f4f4f5', '#71717a'],
  delayed: ['#ede9fe', '#7c3aed'],
  queued: ['#dbeafe', '#2563eb'],
  running: ['#fef3c7', '#d97706'],
  finished: ['#dcfce7', '#16a34a'],
  failed: ['#fee2e2', '#dc2626'],
  skipped: ['#fafafa', '#a1a1aa'],
  held: ['#e7e5e4', '#57534e'],
  blocked: ['#fce7f3', '#be185d'],
  stopped: ['#e7e5e4', '#57534e'],
}

/** The same on a dark ground, below light text. */
const darkColours: Colours = {
  staged: ['#1d2024', '#8b9198'],
  waiting: ['#2b2e33', '#9ca3af'],
  delayed: ['#322a52', '#a78bfa'],
  queued: ['#1b3157', '#60a5fa'],
  running: ['#4a3410', '#f5b94c'],
  finished: ['#14392a', '#4ade80'],
  failed: ['#521e1e', '#f87171'],
  skipped: ['#26292e', '#8b9198'],
  held: ['#35322e', '#b5aea6'],
  blocked: ['#4a1836', '#f472b6'],
  stopped: ['#35322e', '#b5aea6'],
}

/** Which ground a drawing is for. */
export type DrawingTheme = 'light' | 'dark'
const themes = {
  light: { states: colours, plain: ['#ffffff', '#333333'], text: '#000000', failure: '#dc2626' },
  dark: { states: darkColours, plain: ['#1d2024', '#9ca3af'], text: '#e6e7e9', failure: '#f87171' },
} as const

/** Graphviz takes minutes for more. */
const mostBoxes = 1500

/** Draws a folded graph. SVG is laid out by Graphviz in WebAssembly: nothing to install. @throws RuntimeError ERR_TOO_LARGE */
export async function draw(
  graph: FoldedGraph,
  format: DrawingFormat,
  title: string,
  theme: DrawingTheme = 'light',
): Promise<string> {
  switch (format) {
    case 'dot':
      return dot(graph, title)
    case 'mermaid':
      return mermaid(graph, title)
    case 'text':
      return text(graph, title)
    case 'svg': {
      if (graph.folds.length > mostBoxes)
        throw new RuntimeError(
          'ERR_TOO_LARGE',
          `${title}: expected at most ${mostBoxes} boxes to lay out, got ${graph.folds.length} jobs of different names; take --format text, dot or mermaid`,
        )
      const { instance } = await import('@viz-js/viz')
      return (await instance()).renderString(dot(graph, title, theme), { format: 'svg' })
    }
  }
}

/** Measured as Helvetica; what a viewer has in its place may be wider, hence the margins and the pad. */
const font = 'fontname="Helvetica,Arial,sans-serif"'

/** Graphviz's language. */
export function dot({ folds, edges }: FoldedGraph, title: string, theme: DrawingTheme = 'light'): string {
  const { states, plain, text: ink, failure } = themes[theme]
  const quote = (words: string): string => `"${words.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`
  const nodes = folds.map((fold, i) => {
    const state = foldState(fold)
    const [fill, border] = state ? states[state] : plain
    const style = fold.count > 1 ? ', peripheries=2' : ''
    const label = [foldLabel(fold), stateText(fold)].filter(Boolean).join('\n')
    return `  n${i} [label=${quote(label)}, fillcolor="${fill}", color="${border}"${style}]`
  })
  const arrows = edges.map(({ from, to, when }) => {
    const style =
      when === 'finished'
        ? ''
        : ` [style=dashed, label=${quote(when)}${when === 'failed' ? `, color="${failure}"` : ''}]`
    return `  n${from} -> n${to}${style}`
  })
  return [
    'digraph workflow {',
    `  label=${quote(title)}; labelloc=t; rankdir=TB; ${font}; fontsize=12; pad="0.4,0.2"`,
    ...(theme === 'light' ? [] : [`  bgcolor="transparent"; fontcolor="${ink}"`]),
    `  node [shape=box, style="rounded,filled", ${font}, fontsize=11, margin="0.2,0.08", fontcolor="${ink}"]`,
    `  edge [${font}, fontsize=9, color="${ink}", fontcolor="${ink}"]`,
    ...nodes,
    ...arrows,
    '}',
    '',
  ].join('\n')
}

/** Mermaid's flowchart, which Git hosts draw in Markdown. */
export function mermaid({ folds, edges }: FoldedGraph, title: string): string {
  const quote = (words: string): string =>
    words.replace(/[&<>"#]/g, (sign) => `#${sign.codePointAt(0)};`).replace(/\n/g, '<br/>')
  const nodes = folds.map(
    (fold, i) => `  n${i}["${quote([foldLabel(fold), stateText(fold)].filter(Boolean).join('\n'))}"]`,
  )
  const arrows = edges.map(
    ({ from, to, when }) => `  n${from} ${when === 'finished' ? '-->' : `-. ${when} .->`} n${to}`,
  )
  const styles = folds.flatMap((fold, i) => {
    const state = foldState(fold)
    return state ? [`  style n${i} fill:${colours[state][0]},stroke:${colours[state][1]}`] : []
  })
  return ['---', `title: ${JSON.stringify(title)}`, '---', 'flowchart TD', ...nodes, ...arrows, ...styles, ''].join(
    '\n',
  )
}

/** Lines of text, parents first, each with what it waits for. */
export function text({ folds, edges, total }: FoldedGraph, title: string): string {
  const depths = depthsOf(folds, edges)
  const order = folds.map((_, i) => i).sort((a, b) => depths[a]! - depths[b]! || a - b)
  const lines = order.map((i) => {
    const fold = folds[i]!
    const parents = edges
      .filter((edge) => edge.to === i && edge.from !== i)
      .map(({ from, when }) => `${foldLabel(folds[from]!)}${when === 'finished' ? '' : ` (${when})`}`)
    const state = stateText(fold)
    const after =
      parents.length === 0
        ? ''
        : `  ← ${parents.length > 4 ? `${parents.slice(0, 3).join(', ')} and ${parents.length - 3} more` : parents.join(', ')}`
    return `${'  '.repeat(Math.min(depths[i]!, 12))}${foldLabel(fold)}${state ? `  [${state}]` : ''}${after}`
  })
  return [`${title}: ${plural(total, 'job')}`, ...lines, ''].join('\n')
}

/** Longest way from a root, in folds; folding may close circles, so no way is longer than there are folds. */
function depthsOf(folds: readonly Fold[], edges: FoldedGraph['edges']): number[] {
  const depths = folds.map(() => 0)
  for (let round = 0, moved = true; moved && round < Math.min(folds.length, 200); round += 1) {
    moved = false
    for (const { from, to } of edges) {
      if (from === to || depths[to]! > depths[from]! || depths[from]! >= folds.length) continue
      depths[to] = depths[from]! + 1
      moved = true
    }
  }
  return depths
}
