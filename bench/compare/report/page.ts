// The part of docs/performance.md that compares with the peers, and its charts, made from the results of a run.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Group } from '../measure.ts'
import type { ResultRow, Results } from '../results.ts'
import { chart } from './chart.ts'
import { figureOf, timesBetter, written } from './figures.ts'

export const RESULTS = fileURLToPath(new URL('../results.json', import.meta.url))
export const readResults = (): Results => JSON.parse(readFileSync(RESULTS, 'utf8')) as Results

/** Ours is slower if it is by more than what differs from run to run. */
const SLOWER = 0.95

const GROUPS: Record<Group, { title: string; about: string }> = {
  throughput: {
    title: 'Jobs a second',
    about:
      'A backlog is enqueued, then a worker is started; its jobs are counted for a second after it has warmed up. More is better.',
  },
  enqueue: { title: 'Enqueued a second', about: 'One producer, while no worker runs. More is better.' },
  latency: {
    title: 'Latency',
    about:
      'Milliseconds. Less is better. Below zero: jobs run before they are due, since their times are whole seconds there.',
  },
  workflow: {
    title: 'Workflows',
    about:
      'Two hundred steps at once and one after all of them: milliseconds a step, from the call that makes the run to the start of the last step. Less is better.',
  },
  worker: {
    title: 'What a worker takes',
    about:
      'Memory is the proportional set size of the worker and all its processes. An idle worker is one that runs one job at a time. Less is better.',
  },
}

const CHARTS: { name: string; title: string; rows: (row: ResultRow) => boolean }[] = [
  { name: 'throughput', title: 'Jobs a second (more is better)', rows: ({ group }) => group === 'throughput' },
  { name: 'enqueue', title: 'Jobs enqueued a second (more is better)', rows: ({ group }) => group === 'enqueue' },
  {
    name: 'latency',
    title: 'Latency in milliseconds, p50 (less is better)',
    rows: ({ group, quantile }) => group === 'latency' && quantile === 0.5,
  },
  {
    name: 'memory',
    title: 'Memory in MB while ten jobs run (less is better)',
    rows: ({ id }) => id.startsWith('memory-') && id.endsWith('-busy'),
  },
]

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')

const oursOf = ({ peers }: Results): string => peers[0]?.id ?? ''

function cellOf(row: ResultRow, ours: string, peer: string): string {
  const cell = row.cells[peer]
  if (cell === undefined) return '–'
  if ('failed' in cell) return 'failed'
  if (peer === ours) return `**${written(cell.value)}**`
  const times = timesBetter(row, ours, peer)
  return times === undefined ? written(cell.value) : `${written(cell.value)} (${written(times)})`
}

/** The tables, one for each group that has rows. */
export function tables(results: Results): string {
  const ours = oursOf(results)
  return Object.entries(GROUPS)
    .flatMap(([group, { title, about }]) => {
      const rows = results.rows.filter((row) => row.group === group && Object.keys(row.cells).length > 0)
      if (rows.length === 0) return []
      const peers = results.peers.filter(({ id }) => rows.some((row) => id in row.cells))
      const body = rows.map((row) => [row.title, ...peers.map(({ id }) => cellOf(row, ours, id))])
      const failures = rows.flatMap((row) =>
        peers.flatMap(({ id, name }) => {
          const cell = row.cells[id]
          return cell !== undefined && 'failed' in cell ? [`- ${name}, ${row.title}: ${cell.failed}`] : []
        }),
      )
      const parts = [`### ${title}`, about, table(['', ...peers.map(({ name }) => name)], body)]
      return [...parts, ...(failures.length > 0 ? [failures.join('\n')] : [])]
    })
    .join('\n\n')
}

/** What a peer does better, worst first. */
function slower(results: Results): string {
  const ours = oursOf(results)
  const lines = results.rows.flatMap((row) => {
    const better = results.peers
      .flatMap(({ id, name }) => {
        const times = timesBetter(row, ours, id)
        return times !== undefined && times < SLOWER ? [{ id, name, times }] : []
      })
      .sort((a, b) => a.times - b.times)
    const [worst] = better
    if (worst === undefined) return []
    const own = figureOf(row, ours)?.value ?? NaN
    const list = better.map(
      ({ id, name, times }) => `${name} ${written(figureOf(row, id)?.value ?? NaN)} (${written(1 / times)})`,
    )
    const { title } = GROUPS[row.group]
    return [{ times: worst.times, cells: [`${title}: ${row.title}`, `${written(own)} ${row.unit}`, list.join(', ')] }]
  })
  if (lines.length === 0) return 'No peer was better in any row of this run.'
  lines.sort((a, b) => a.times - b.times)
  return table(
    ['', 'resque-runtime', 'peers that are better, and how many times'],
    lines.map(({ cells }) => cells),
  )
}

/** @returns a warning if other programs ran */
const busy = (machine: Results['machine']): string[] =>
  Number(machine['load before the run']) > 1
    ? [
        '',
        '**Other programs used the processors during this run: its figures are a trial, and differ from round to round.**',
      ]
    : []

/** The generated part of docs/performance.md. */
export function peersSection(results: Results): string {
  const { machine, peers, absent, rounds, minutes, date } = results
  const list = Object.entries(machine).map(([what, value]) => `${what} ${value}`)
  return [
    `\`npm run bench:compare\`, ${date}: ${rounds} round${rounds === 1 ? '' : 's'} in ${minutes} minutes, in each of which all peers did the same work in turn. A job notes its end and does`,
    `nothing else; ends are counted in the same way for all. Each figure is the median of the rounds, or a percentile over all of them. In brackets: how many`,
    `times better this runtime is; below 1 it is worse. A dash: the peer has no equal. Machine: ${list.join('; ')}.`,
    ...busy(machine),
    '',
    '### Where this runtime is slower or larger',
    '',
    slower(results),
    '',
    ...charts(results).flatMap(({ name, title }) => [`![${title}](images/compare-${name}.svg)`, '']),
    tables(results),
    '',
    '### Who was compared, and with which settings',
    '',
    'Redis and PostgreSQL belong to the benchmark and are reached through unix sockets. Neither of them writes to disk at a commit, so that the software is compared and not the disk.',
    '',
    table(
      ['', 'version', 'settings'],
      peers.map(({ name, version, settings }) => [name, version, settings]),
    ),
    ...(absent.length > 0
      ? ['', ...absent.map(({ name, install }) => `${name} was not there; to install it: \`${install}\`.`)]
      : []),
  ].join('\n')
}

/** The charts, with the rows that have figures. */
export function charts(results: Results): { name: string; title: string; svg: string }[] {
  return CHARTS.flatMap(({ name, title, rows }) => {
    const chosen = results.rows.filter((row) => rows(row) && results.peers.some(({ id }) => figureOf(row, id)))
    return chosen.length === 0 ? [] : [{ name, title, svg: chart(title, chosen, results.peers) }]
  })
}
