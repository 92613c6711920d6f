import { html } from 'hono/html'
import type { Html } from '../request.ts'

/** One line or one row of bars; `tone` is a class of the style sheet. Undefined values are gaps. */
export interface Series {
  name: string
  tone: string
  values: readonly (number | undefined)[]
}

const [width, height] = [720, 120]

/**
 * A chart as SVG, made here, so that it needs no script. Bars stand on each other's place, the last in front.
 * @param top the value at the upper edge, as `label` writes it
 */
export function chart(
  about: { name: string; kind: 'bars' | 'lines'; series: readonly Series[]; from: string; to: string },
  label: (value: number) => string,
): Html {
  const { name, kind, series } = about
  const known = series.flatMap(({ values }) => values.filter((value) => value !== undefined && Number.isFinite(value)))
  const top = Math.max(...(known as number[]), 0)
  const scale =
    kind === 'bars'
      ? (value: number) => value / (top || 1)
      : (value: number) => Math.log1p(value) / Math.log1p(top || 1)
  const y = (value: number): number => height - Math.min(1, scale(value)) * (height - 4)
  const draw = kind === 'bars' ? bars : line
  return html`<figure class="chart">
    <figcaption>${name} ${series.map((each) => html`<span class="key ${each.tone}">${each.name}</span>`)}</figcaption>
    <div class="most">${label(top)}</div>
    <svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${name}">
      ${series.map((each) => html`<path class="${kind} ${each.tone}" d="${draw(each.values, y)}" />`)}
    </svg>
    <div class="ends"><span>${about.from}</span><span>${about.to}</span></div>
  </figure>`
}

function bars(values: Series['values'], y: (value: number) => number): string {
  const step = width / values.length
  return values
    .map((value, i) =>
      value ? `M${(i * step).toFixed(1)} ${height}V${y(value).toFixed(1)}h${(step * 0.8).toFixed(1)}V${height}z` : '',
    )
    .join('')
}

function line(values: Series['values'], y: (value: number) => number): string {
  const step = width / Math.max(1, values.length - 1)
  return values
    .map((value, i) => {
      if (value === undefined) return ''
      return `${i === 0 || values[i - 1] === undefined ? 'M' : 'L'}${(i * step).toFixed(1)} ${y(value).toFixed(1)}h0.1`
    })
    .join('')
}
