import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldGraph, foldLabel, stateText, type DrawnNode } from '../../runtime/workflow/drawing/fold.ts'
import { dot, draw, mermaid, text } from '../../runtime/workflow/drawing/formats.ts'

const after = (...parents: number[]): DrawnNode['parents'] =>
  parents.map((from) => ({ from, when: 'finished' as const }))

/** fetch → `width` rows → report. */
function fan(width: number, state?: DrawnNode['state']): DrawnNode[] {
  const rows = Array.from({ length: width }, (_, i) => i + 1)
  const given = state ? { state } : {}
  return [
    { name: 'Fetch', parents: [], ...given },
    ...rows.map(() => ({ name: 'Row', parents: after(0), ...given })),
    { name: 'Report', parents: after(...rows), ...given },
  ]
}

test('a wide fan-out is one node with its number; a narrow one is drawn whole', () => {
  const wide = foldGraph(fan(2000))
  assert.deepEqual(wide.folds.map(foldLabel), ['Fetch', 'Row × 2,000', 'Report'])
  assert.deepEqual(
    wide.edges.map(({ from, to }) => [from, to]),
    [
      [0, 1],
      [1, 2],
    ],
  )
  assert.equal(foldGraph(fan(3)).folds.length, 5)
})

test('nodes of one class in different places are not folded together', () => {
  const nodes = [
    ...fan(10),
    ...fan(10).map((node) => ({ ...node, parents: node.parents.map((edge) => ({ ...edge, from: edge.from + 12 })) })),
  ]
  nodes[12] = { ...nodes[12]!, parents: after(11) }
  assert.deepEqual(foldGraph(nodes).folds.map(foldLabel), [
    'Fetch',
    'Row × 10',
    'Report',
    'Fetch',
    'Row × 10',
    'Report',
  ])
})

test('a run of a hundred thousand jobs, and a chain of one class, are folded quickly', () => {
  const started = performance.now()
  assert.equal(foldGraph(fan(100_000)).folds.length, 3)
  const chain = foldGraph(
    Array.from({ length: 20_000 }, (_, i) => ({ name: 'Step', parents: i === 0 ? [] : after(i - 1) })),
  )
  assert.ok(chain.folds.length < 20)
  assert.ok(text(chain, 'Chain').length > 0)
  assert.ok(performance.now() - started < 20_000)
})

test('nodes that all stand differently are told apart less finely when they are many', async () => {
  const random = Array.from({ length: 20_000 }, (_, i): DrawnNode => ({
    name: 'Step',
    parents: i === 0 ? [] : after((Math.imul(i, 2_654_435_761) >>> 0) % i),
  }))
  const folded = foldGraph(random)
  assert.deepEqual(folded.folds.map(foldLabel), ['Step', 'Step × 9,049', 'Step × 10,950'])
  const names = foldGraph(random.slice(0, 2000).map((node, i) => ({ ...node, name: `Step${i}` })))
  assert.equal(names.folds.length, 2000)
  assert.ok(text(names, 'Names').length > 2000)
  await assert.rejects(draw(names, 'svg', 'Names'), { code: 'ERR_TOO_LARGE' })
})

test('states are counted and the worst one colours', async () => {
  const nodes = fan(100, 'finished')
  nodes[5] = { ...nodes[5]!, state: 'failed' }
  nodes[6] = { ...nodes[6]!, state: 'running' }
  const graph = foldGraph(nodes)
  assert.equal(stateText(graph.folds[1]!), '1 failed, 1 running, 98 finished')
  assert.match(dot(graph, 'x'), /n1 \[label="Row × 100\\n1 failed, 1 running, 98 finished", fillcolor="#fee2e2"/)
  assert.match(await draw(graph, 'svg', 'x'), /<svg[\s\S]*Row × 100/)
})

test('names that would break the languages are escaped', async () => {
  const graph = foldGraph([{ name: 'a"b\\<script>', parents: [] }])
  assert.match(dot(graph, 'ti"tle'), /label="ti\\"tle"[\s\S]*label="a\\"b\\\\<script>"/)
  assert.match(mermaid(graph, 'x'), /n0\["a#34;b\\#60;script#62;"\]/)
  assert.doesNotMatch(await draw(graph, 'svg', '<script>'), /<script>/)
})

test('branches are dashed, a failure branch red; on a dark ground the colours are others', async () => {
  const graph = foldGraph([
    { name: 'A', parents: [] },
    { name: 'B', parents: [{ from: 0, when: 'failed' }] },
    { name: 'C', parents: [{ from: 0, when: 'ended' }] },
  ])
  const light = await draw(graph, 'dot', 'x')
  assert.match(light, /n0 -> n1 \[style=dashed, label="failed", color="#dc2626"\]/)
  assert.match(light, /n0 -> n2 \[style=dashed, label="ended"\]/)
  assert.doesNotMatch(light, /bgcolor/)
  assert.match(dot(graph, 'x', 'dark'), /bgcolor="transparent"; fontcolor="#e6e7e9"[\s\S]*color="#f87171"/)
  assert.match(await draw(graph, 'mermaid', 'x'), /n0 -\. failed \.-> n1/)
})

test('as text, of many parents three are named', async () => {
  const roots = ['A', 'B', 'C', 'D', 'E'].map((name): DrawnNode => ({ name, parents: [], state: 'finished' }))
  const graph = foldGraph([
    ...roots,
    { name: 'Five', parents: after(0, 1, 2, 3, 4) },
    { name: 'Four', parents: after(0, 1, 2, 3) },
  ])
  const drawn = await draw(graph, 'text', 'x')
  assert.match(drawn, /^x: 7 jobs\nA {2}\[finished\]\n/)
  assert.match(drawn, /\n {2}Five {2}← A, B, C and 2 more\n {2}Four {2}← A, B, C, D\n$/)
})
