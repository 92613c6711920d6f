// A bar chart as SVG: a block for each row, a bar for each peer. Readable on a light and on a dark page.
import type { ResultRow } from '../results.ts'
import { figureOf, written } from './figures.ts'

const WIDTH = 760
const LEFT = 130
const RIGHT = 80
const BAR = 16
const HEAD = 26
const TOP = 64
/** From this ratio of the largest to the smallest figure on, the axis is logarithmic. */
const WIDE = 30

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .row { font-weight: 600 }
  .page { fill: #ffffff }
  .grid { stroke: #d1d9e0 }
  .bar { fill: #8c959f }
  .ours { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .page { fill: #0d1117 }
    .grid { stroke: #3d444d }
    .bar { fill: #656c76 }
    .ours { fill: #4493f8 }
  }
`

interface Scale {
  x(value: number): number
  ticks: readonly number[]
}

function logarithmic(low: number, high: number): Scale {
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))]
  const x = (value: number): number =>
    LEFT + ((WIDTH - LEFT - RIGHT) * (Math.log10(value) - from)) / Math.max(1, to - from)
  return { x, ticks: Array.from({ length: to - from + 1 }, (_, n) => 10 ** (from + n)) }
}

function linear(high: number): Scale {
  const step = niceStep(high / 4)
  const top = Math.ceil(high / step) * step
  const x = (value: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * value) / top
  return { x, ticks: Array.from({ length: Math.round(top / step) + 1 }, (_, n) => n * step) }
}

/** 1, 2 or 5 times a power of ten, at least so much. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return power * ([1, 2, 5, 10].find((times) => times * power >= least) ?? 10)
}

const escaped = (text: string): string => text.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`)

/** @param peers in order, ours first */
export function chart(
  title: string,
  rows: readonly ResultRow[],
  peers: readonly { id: string; name: string }[],
): string {
  const blocks = rows
    .map((row) => ({
      title: row.title,
      bars: peers.flatMap(({ id, name }) => {
        const value = figureOf(row, id)?.value
        return value !== undefined && value > 0 ? [{ name, value, ours: id === peers[0]?.id }] : []
      }),
    }))
    .filter(({ bars }) => bars.length > 0)
  const figures = blocks.flatMap(({ bars }) => bars.map(({ value }) => value))
  const [low, high] = [Math.min(...figures), Math.max(...figures)]
  const scale = high / low > WIDE ? logarithmic(low, high) : linear(high)
  const parts: string[] = []
  let y = TOP
  for (const { title: row, bars } of blocks) {
    parts.push(`<text class="row" x="10" y="${y + 16}">${escaped(row)}</text>`)
    y += HEAD
    for (const { name, value, ours } of bars) {
      const end = scale.x(value)
      parts.push(
        `<text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${escaped(name)}</text>`,
        `<rect class="bar${ours ? ' ours' : ''}" x="${LEFT}" y="${y + 1}" width="${Math.max(1, end - LEFT).toFixed(1)}" height="${BAR - 3}" rx="2"/>`,
        `<text x="${(end + 5).toFixed(1)}" y="${y + 12}">${written(value)}</text>`,
      )
      y += BAR
    }
  }
  const height = y + 14
  const grid = scale.ticks.flatMap((tick) => [
    `<line class="grid" x1="${scale.x(tick).toFixed(1)}" x2="${scale.x(tick).toFixed(1)}" y1="${TOP - 4}" y2="${height - 8}"/>`,
    `<text x="${scale.x(tick).toFixed(1)}" y="${TOP - 10}" text-anchor="middle">${tick.toLocaleString('en-US', { maximumFractionDigits: 3 })}</text>`,
  ])
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    `<text class="title" x="10" y="24">${escaped(title)}</text>`,
    ...grid,
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}
