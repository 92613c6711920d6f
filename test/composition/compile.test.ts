import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chain, group, Job, RuntimeError, task, templates, withDelay, workflow, Workflow } from 'resque-runtime'
import type { Part } from 'resque-runtime'
import { wireName } from '../../runtime/jobs/job.ts'
import type { Graph } from '../../runtime/workflow/graph/graph.ts'
import { DiamondClass, diamond, Task1, Task2, Task3, Task4 } from '../fixtures/apps/composed/src/jobs/steps.ts'

class A extends Job {
  perform() {}
}
class B extends Job {
  perform() {}
}
class C extends Job {
  perform() {}
}
class D extends Job {
  perform() {}
}

/** `A>B+100` …: each node with its parents and wait. */
const shape = (graph: Graph): string =>
  graph.nodes
    .map(({ className, parents, waitMs }, index) => {
      const from = parents.map((edge) => graph.nodes[edge.from]?.className).join(',')
      return `${from ? `${from}>` : ''}${className}${waitMs ? `+${waitMs}` : ''}${index < 0 ? '' : ''}`
    })
    .join(' ')
const shapeOf = (part: Part): string => shape(workflow(part).compile())
const refused = (part: () => unknown, code: string, pattern: RegExp): void => {
  assert.throws(
    part,
    (error: unknown) => error instanceof RuntimeError && error.code === code && pattern.test(error.message),
  )
}

test('contract: one diamond written three ways is one graph', async () => {
  const parts = chain(task(Task1), group(task(Task2, { x: 1 }), task(Task3)), task(Task4))
  const composed = workflow(parts).compile()
  assert.deepEqual(composed, await Workflow.compile(DiamondClass))
  assert.deepEqual(composed, (await diamond.compose()).compile())
  assert.equal(templates.get('diamond'), diamond)
  assert.deepEqual(composed.nodes[1]?.params, { x: 1 })
})

test('chains and groups, nested', () => {
  assert.equal(shapeOf(chain(task(A), task(B), task(C))), 'A A>B B>C')
  assert.equal(shapeOf(group(task(A), task(B))), 'A B')
  assert.equal(shapeOf(chain(group(task(A), task(B)), group(task(C), task(D)))), 'A B A,B>C A,B>D')
  assert.equal(shapeOf(chain(task(A), group(chain(task(B), task(C)), task(D)), task(A))), 'A A>B B>C A>D C,D>A')
  assert.equal(shapeOf(group(chain(task(A), task(B)), chain(task(C), task(D)))), 'A A>B C C>D')
  assert.equal(shapeOf(chain(chain(chain(task(A))), chain(task(B), chain(task(C))))), 'A A>B B>C')
})

test('empty and single-member forms', () => {
  assert.equal(shapeOf(chain()), '')
  assert.equal(shapeOf(group()), '')
  assert.equal(shapeOf(chain(group(), chain())), '')
  assert.equal(shapeOf(task(A)), 'A')
  assert.equal(shapeOf(group(task(A))), 'A')
  assert.equal(shapeOf(chain(task(A), group(), chain(), task(B))), 'A A>B')
  assert.equal(shapeOf(chain(task(A), group(task(B), chain()), task(C))), 'A A>B B>C')
  assert.equal(shapeOf(chain(group(chain(group(task(A)))))), 'A')
})

test('a delay is on the first steps of its part, and adds up', () => {
  assert.equal(shapeOf(withDelay(chain(task(A), task(B)), 100)), 'A+100 A>B')
  assert.equal(
    shapeOf(chain(task(A), withDelay(group(task(B), chain(task(C), task(D))), '1s'))),
    'A A>B+1000 A>C+1000 C>D',
  )
  assert.equal(shapeOf(withDelay(withDelay(task(A), 100), 50)), 'A+150')
  assert.equal(shapeOf(chain(task(A), withDelay(chain(), 100), task(B))), 'A A>B+100')
  assert.equal(shapeOf(chain(task(A), withDelay(group(task(B), chain()), 100), task(C))), 'A A>B+100 B>C')
  assert.equal(shapeOf(chain(task(A), group(task(B), withDelay(chain(), 100)), task(C))), 'A A>B B>C+100')
  assert.equal(shapeOf(withDelay(task(A), 0)), 'A')
})

test('options of a part are options of its tasks, inner over outer', () => {
  const graph = workflow(
    chain(
      task(A).with({ queue: 'a' }),
      group(task(B), task(C).with({ timeout: '5s' })).with({ timeout: '1m', retry: 3 }),
    ).with({
      queue: 'all',
      retry: 1,
    }),
  )
    .with({ niceness: 5 })
    .compile()
  const options = graph.nodes.map((node) => [
    node.queue,
    node.options?.timeoutMs,
    node.options?.retry?.limit,
    node.options?.niceness,
  ])
  assert.deepEqual(options, [
    ['a', undefined, 1, 5],
    ['all', 60_000, 3, 5],
    ['all', 5000, 3, 5],
  ])
})

test('a task handle is one step wherever it is used', () => {
  const a = task(A)
  assert.equal(shapeOf(group(chain(a, task(B)), chain(a, task(C)))), 'A A>B A>C')
  assert.equal(shapeOf(group(a, a)), 'A')
  const again = workflow(a)
  assert.deepEqual(again.compile(), again.compile())
})

test('a cycle through a handle used twice is refused, by its path', () => {
  const [a, b] = [task(A), task(B)]
  refused(
    () => shapeOf(chain(a, b, a)),
    'ERR_GRAPH',
    /cycle: (A → B → A|B → A → B): .*call task\(\) once for each step/,
  )
  refused(() => shapeOf(chain(a, a)), 'ERR_GRAPH', /cycle: A → A/)
  refused(
    () => shapeOf(group(a, withDelay(a, 10))),
    'ERR_GRAPH',
    /task\(A\) is used in two places with different delays/,
  )
  const pair = group(a, b)
  refused(() => shapeOf(chain(pair, pair)), 'ERR_GRAPH', /cycle/)
})

test('what is no part is refused where it enters', () => {
  refused(() => task(class {} as never), 'ERR_ARGUMENT', /task: expected a Job class/)
  refused(() => chain(task(A), B as never), 'ERR_ARGUMENT', /chain, part 2: expected a task.*wrap it: task/)
  refused(() => group(undefined as never), 'ERR_ARGUMENT', /group, part 1/)
  refused(() => workflow({} as never), 'ERR_ARGUMENT', /workflow: expected a task/)
  refused(() => withDelay(task(A), -1), 'ERR_ARGUMENT', /withDelay: expected milliseconds/)
  refused(() => shapeOf(task(A, { x: NaN })), 'ERR_NOT_JSON', /params of A/)
  refused(() => shapeOf(task(A, [1] as never)), 'ERR_ARGUMENT', /expected one object/)
  refused(() => shapeOf(task(A).with({ nice: 1 } as never)), 'ERR_ARGUMENT', /nice of A/)
})

test('deep nesting and wide groups', () => {
  let part: Part = task(A)
  for (let depth = 0; depth < 2000; depth += 1) part = depth % 2 ? chain(part, task(B)) : group(part, task(C))
  assert.equal(workflow(part).compile().nodes.length, 2001)
  let nested: Part = task(A)
  for (let depth = 0; depth < 20_000; depth += 1) nested = depth % 2 ? chain(nested) : group(nested)
  assert.equal(shapeOf(nested), 'A')
  const wide = group(...Array.from({ length: 1000 }, () => task(A)))
  const edges = workflow(chain(wide, task(B), group(...Array.from({ length: 1000 }, () => task(C))))).compile()
  assert.equal(
    edges.nodes.reduce((sum, node) => sum + node.parents.length, 0),
    2000,
  )
  const wider = (): Part => group(...Array.from({ length: 3000 }, () => task(A)))
  refused(() => workflow(chain(wider(), wider())).compile(), 'ERR_TOO_LARGE', /put one task between/)
})

test('wire names and function jobs stand in the graph', () => {
  class Renamed extends Job {
    static override wireName = 'Docs::Fetch'
    perform() {}
  }
  assert.equal(wireName(Renamed), 'Docs::Fetch')
  assert.equal(shapeOf(task(Renamed)), 'Docs::Fetch')
})
