// The dashboard and the alert rules under examples/monitoring ask for metrics that exist.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { Registry } from 'prom-client'
import { parse } from 'yaml'
import { registerCluster } from '../../runtime/metrics/cluster-metrics.ts'
import { ProcessMetrics } from '../../runtime/metrics/process-metrics.ts'
import type { Store } from '../../runtime/store/store.ts'
import { ROOT } from '../support/process.ts'

const read = (name: string): string => readFileSync(join(ROOT, 'examples/monitoring', name), 'utf8')

const known = (() => {
  const registry = new Registry()
  for (const kind of ['worker', 'scheduler'] as const) {
    const own = new Registry()
    new ProcessMetrics(own, kind, () => Promise.resolve({}))
    for (const metric of own.getMetricsAsArray())
      if (!registry.getSingleMetric(metric.name)) registry.registerMetric(metric as never)
  }
  registerCluster(registry, undefined as unknown as Store, () => Promise.resolve(undefined))
  return new Set(registry.getMetricsAsArray().map(({ name }) => name))
})()

const namesIn = (expression: string): string[] =>
  [...expression.replace(/"[^"]*"/g, '').matchAll(/\b(?:resque|process|nodejs)_\w+/g)].map(([name]) =>
    name.replace(/_(?:bucket|sum|count)$/, ''),
  )

interface Rules {
  groups: { rules: { expr: string }[] }[]
}
interface Dashboard {
  panels: { targets: { expr: string }[] }[]
}

for (const [file, expressions] of [
  ['alerts.yml', (parse(read('alerts.yml')) as Rules).groups.flatMap(({ rules }) => rules.map(({ expr }) => expr))],
  [
    'grafana.json',
    (JSON.parse(read('grafana.json')) as Dashboard).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ],
] as const) {
  it(`${file} names metrics that exist`, () => {
    const names = expressions.flatMap(namesIn)
    assert.ok(names.length >= expressions.length)
    assert.deepEqual(
      names.filter((name) => !known.has(name)),
      [],
    )
  })
}

it('docs/monitoring.md lists every metric of ours', () => {
  const text = readFileSync(join(ROOT, 'docs/monitoring.md'), 'utf8')
  assert.deepEqual(
    [...known].filter((name) => name.startsWith('resque') && !text.includes(`| \`${name}\``)),
    [],
  )
})
