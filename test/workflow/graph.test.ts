import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Job, Workflow } from 'resque-runtime'
import { GraphBuilder } from '../../runtime/workflow/graph/graph-builder.ts'
import { checkGraph, topologicalOrder, type Graph } from '../../runtime/workflow/graph/graph.ts'
import { nodeMoves, nodeStates } from '../../runtime/workflow/run/run-state.ts'

class A extends Job {
  perform() {}
}
class B extends Job {
  perform() {}
}
class C extends Job {
  static override queue = 'slow'
  perform(_params: { path: string; rows: number }) {}
}

/** Compiles what a configure function runs. */
async function compile(configure: (flow: { run: Workflow['run' & keyof Workflow] }) => void): Promise<Graph> {
  class TestFlow extends Workflow {
    configure() {
      configure(this as never)
    }
  }
  return Workflow.compile(TestFlow)
}

const edges = (graph: Graph): string[] =>
  graph.nodes.flatMap((node, i) => node.parents.map(({ from, when }) => `${from}-${when}-${i}`)).sort()

test('handles, classes, arrays, before and branches become edges', async () => {
  const graph = await compile((flow: any) => {
    const a = flow.run(A, { before: C })
    const b = flow.run(B, { after: { failed: a } })
    flow.run(C, { after: [b, { ended: A }].slice(0, 1), params: { path: 'x' }, wait: '2s', retry: 3, queue: 'fast' })
  })
  assert.deepEqual(edges(graph), ['0-failed-1', '0-finished-2', '1-finished-2'])
  assert.deepEqual(graph.nodes[2]?.params, { path: 'x' })
  assert.equal(graph.nodes[2]?.waitMs, 2000)
  assert.equal(graph.nodes[2]?.queue, 'fast')
  assert.equal(graph.nodes[2]?.options?.retry?.limit, 3)
  assert.equal(graph.nodes[0]?.queue, 'gush')
})

test('an id as text names a job, too, in after, before and branches', async () => {
  const graph = await compile((flow: any) => {
    const { id } = flow.run(A)
    flow.run(B, { after: { failed: id }, before: '2' })
    flow.run(C, { after: [id] })
  })
  assert.deepEqual(edges(graph), ['0-failed-1', '0-finished-2', '1-finished-2'])
})

const refusals: [what: string, configure: (flow: any) => void, message: RegExp][] = [
  [
    'a cycle, by its path',
    (flow) => (flow.run(A, { after: C }), flow.run(B, { after: A }), flow.run(C, { after: B })),
    /TestFlow: cycle: A → B → C → A: /,
  ],
  ['a job that waits for itself', (flow) => flow.run(A, { after: A }), /cycle: A → A/],
  ['a class that is not in the graph', (flow) => flow.run(A, { after: B }), /A names B, which is not in the graph/],
  [
    'an ambiguous class',
    (flow) => (flow.run(A), flow.run(A), flow.run(B, { after: A })),
    /B names A, which was run 2 times; keep the handle/,
  ],
  [
    'a parent under two conditions',
    (flow) => (flow.run(A), flow.run(B, { after: [A, { failed: A }] })),
    /B waits for A both as finished and as failed/,
  ],
  ['params that are no object', (flow) => flow.run(A, { params: 3 }), /params of A: expected one object .*, got 3/],
  [
    'params that are no JSON',
    (flow) => flow.run(A, { params: { when: { at: NaN } } }),
    /params\.when\.at: expected a JSON value, got NaN/,
  ],
  ['an unknown option', (flow) => flow.run(A, { retries: 3 }), /one of queue, retry/],
  ['a queue without a name', (flow) => flow.run(A, { queue: '' }), /queue of TestFlow: A: expected a name, got ""/],
  ['a label that is none', (flow) => flow.run(A, { label: 5 }), /label of TestFlow: A: expected a name, got 5/],
  [
    'limits across jobs for one node',
    (flow) => flow.run(A, { concurrency: 1 }),
    /concurrency of TestFlow: A: expected it on the job class/,
  ],
  ['a negative wait', (flow) => flow.run(A, { wait: -1 }), /wait of A: expected milliseconds/],
  [
    'a name in place of a class',
    (flow) => flow.run(A, { after: 'B' }),
    /"after" and "before" of A: expected a job class, a handle or its id, got "B"/,
  ],
  [
    'an id that no job has',
    (flow) => flow.run(A, { after: '1' }),
    /A names the job 1, expected the id of one .* 1 jobs/,
  ],
  [
    'a backoff function for one node',
    (flow) => flow.run(A, { retry: { limit: 1, backoff: () => 1 } }),
    /got a function; put it on the class/,
  ],
]
for (const [what, configure, message] of refusals) {
  test(`refuses ${what}`, async () => {
    await assert.rejects(compile(configure), (error: Error) => {
      assert.match(error.message, message)
      return true
    })
  })
}

test('refuses a handle of another workflow, and run() outside configure', async () => {
  let kept: unknown
  await compile((flow: any) => (kept = flow.run(A)))
  await assert.rejects(
    compile((flow: any) => flow.run(B, { after: kept })),
    { code: 'ERR_GRAPH', message: /a handle of another workflow \(A\)/ },
  )
})

test('topological order of a hundred thousand nodes, parents first', () => {
  const size = 100_000
  const nodes = Array.from({ length: size }, (_, i) => ({
    className: `N${i % 7}`,
    queue: 'q',
    // The numbers run against the edges: the last node is the root.
    parents: i === size - 1 ? [] : [{ from: Math.min(size - 1, i + 1 + (i % 3)), when: 'finished' as const }],
  }))
  const order = topologicalOrder({ nodes })
  const place = new Map(order.map((index, at) => [index, at]))
  assert.equal(order.length, size)
  for (const [i, node] of nodes.entries())
    for (const { from } of node.parents) assert.ok(place.get(from)! < place.get(i)!)
})

test('a cycle of a hundred thousand nodes is told in a line, at once', () => {
  const size = 100_000
  const nodes = Array.from({ length: size }, (_, i) => ({
    className: 'Link',
    queue: 'q',
    parents: [{ from: (i + 1) % size, when: 'finished' as const }],
  }))
  assert.throws(
    () => checkGraph({ nodes }),
    /^RuntimeError: cycle: Link#0 → Link#99999 → .* → 99989 more → .* → Link#1 → Link#0: expected a graph without cycles/,
  )
})

test('a graph of a front end is checked whatever made it', () => {
  const node = (parents: number[]) => ({
    className: 'X',
    queue: 'q',
    parents: parents.map((from) => ({ from, when: 'finished' as const })),
  })
  assert.throws(() => checkGraph({ nodes: [node([5])] }), {
    code: 'ERR_GRAPH',
    message: /waits for node 5, which is not in the graph/,
  })
  assert.throws(() => checkGraph({ nodes: [node([]), node([0, 0])] }), {
    code: 'ERR_GRAPH',
    message: /X#1 names X#0 twice/,
  })
})

test('what is equal is kept once: an edge that is named twice, and the options of several jobs', () => {
  const builder = new GraphBuilder('Flow', 'own')
  const first = builder.add(A, { label: 'first', retry: 2 })
  builder.add('ByName', { after: [first, A], retry: 2 })
  const [one, two] = builder.compile().nodes
  assert.deepEqual([one?.label, one?.queue, two?.label, two?.queue], ['first', 'own', undefined, 'own'])
  assert.deepEqual(two?.parents, [{ from: 0, when: 'finished' }])
  assert.equal(one?.options, two?.options)
})

test('what is no job, no label and no reference is refused', () => {
  const add = (job: unknown, options?: unknown): Graph => {
    const builder = new GraphBuilder('Flow')
    builder.add(job as string, options as object)
    return builder.compile()
  }
  assert.throws(() => add({}), { code: 'ERR_ARGUMENT', message: /expected a job class, got/ })
  for (const label of ['', 5])
    assert.throws(() => add(A, { label }), { code: 'ERR_ARGUMENT', message: /^label of Flow: A/ })
  assert.throws(() => add(A, { after: {} }), {
    code: 'ERR_GRAPH',
    message: /expected a job class, a handle or its id, got \{\}/,
  })
})

test('a cycle is told by labels, where jobs have them', () => {
  const node = (label: string, from: number): Graph['nodes'][number] => ({
    ...{ className: 'A', label, queue: 'q' },
    parents: [{ from, when: 'finished' }],
  })
  const graph = { nodes: [node('one', 1), node('two', 0)] }
  assert.throws(() => checkGraph(graph), { code: 'ERR_GRAPH', message: /^cycle: one → two → one: / })
})

test('an option that create.with does not have is refused', async () => {
  class Flow extends Workflow {
    configure() {
      this.run(A)
    }
  }
  await assert.rejects(Workflow.createOn({} as never, Flow, [], { global: {} } as object), {
    code: 'ERR_ARGUMENT',
    message: /create.with of Flow: expected one of globals, ttl, memory, got "global".*globals/,
  })
})

test('params are typed from perform', () => {
  class TypedFlow extends Workflow {
    configure() {
      this.run(C, { params: { path: 'x', rows: 1 } })
      // @ts-expect-error rows is a number
      this.run(C, { params: { path: 'x', rows: 'many' } })
    }
  }
  assert.ok(TypedFlow)
})

test('the scripts know the same states and moves', () => {
  const lua = readFileSync(new URL('../../runtime/store/lua/include/run-node.lua', import.meta.url), 'utf8')
  const states = /node_states = \{ \[0\] = (.*?) \}/.exec(lua)?.[1]?.match(/\w+/g)
  assert.deepEqual(states, nodeStates)
  for (const [state, moves] of Object.entries(nodeMoves)) {
    const row = new RegExp(`^  ${state} = '(.*)',$`, 'm').exec(lua)?.[1]
    assert.deepEqual(row?.split(' ').filter(Boolean).sort(), [...moves].sort(), state)
  }
})
