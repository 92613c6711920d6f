import assert from 'node:assert/strict'
import { told, type End } from './random-graph.ts'
import type { Sketch } from './support.ts'

interface ModelNode {
  name: string
  /** Parent → the condition of its edge. */
  parents: Map<string, string>
  state: string
  /** What each parent that has ended has told. */
  heard: Map<string, string>
  /** Its failure branches have run. */
  failedBefore: boolean
  /** A later attempt that is due by now. */
  due: boolean
  goodEnds: number
}

const isReady = ({ state, due }: ModelNode): boolean => state === 'queued' || (state === 'delayed' && due)

/**
 * The rules of docs/states.md for one run, with maps in place of counters and flags, and no queue: what the engine's scripts
 * must come to after each change, whoever makes it and when.
 */
export class ModelRun {
  status = 'pending'
  readonly nodes: Map<string, ModelNode>
  #hasBegun = false

  constructor(graph: Sketch) {
    this.nodes = new Map(
      Object.entries(graph).map(([name, edges]) => [
        name,
        {
          name,
          parents: new Map(edges.map((edge) => [edge.replace(/^[!~]/, ''), /^[!~]/.exec(edge)?.[0] ?? ''])),
          state: 'waiting',
          heard: new Map<string, string>(),
          failedBefore: false,
          due: false,
          goodEnds: 0,
        },
      ]),
    )
  }

  node(name: string): ModelNode {
    const node = this.nodes.get(name)
    assert.ok(node, name)
    return node
  }

  /** Names of the nodes in one of these states. */
  in(...states: string[]): string[] {
    return [...this.nodes.values()].filter(({ state }) => states.includes(state)).map(({ name }) => name)
  }

  /** Names of the nodes that a worker may take. */
  ready(): string[] {
    return [...this.nodes.values()].filter(isReady).map(({ name }) => name)
  }

  start(): void {
    this.status = 'running'
    this.#begin()
  }

  /** A worker that takes all there is while the run is stopped drops it. */
  refuseAll(): void {
    for (const node of this.nodes.values()) if (isReady(node)) this.#move(node, 'held')
  }

  take(name: string): void {
    const node = this.node(name)
    assert.ok(isReady(node), `${name} was taken while ${node.state}`)
    this.#move(node, 'running')
  }

  end(name: string, how: End | 'cancelled'): void {
    const node = this.node(name)
    assert.equal(node.state, 'running')
    if (how === 'cancelled' && this.status !== 'running') {
      this.#move(node, 'held')
    } else if (how === 'failed' || how === 'cancelled') {
      this.#move(node, 'failed')
      if (!node.failedBefore) this.#tell(node, 'failed')
      node.failedBefore = true
    } else {
      this.#move(node, 'finished')
      node.goodEnds += 1
      this.#tell(node, how === 'veto' ? 'vetoed' : 'finished')
    }
    this.#settle()
  }

  /** The delivery ends, the step does not: it is back on its queue, or waits for a later attempt. */
  back(name: string, to: 'queued' | 'delayed'): void {
    this.#move(this.node(name), to)
    this.#settle()
  }

  tick(): void {
    for (const node of this.nodes.values()) if (node.state === 'delayed') node.due = true
  }

  stop(): void {
    this.status = 'stopped'
  }

  resume(): void {
    const again = this.in('failed', 'held')
    this.status = 'running'
    this.#begin()
    for (const name of again) this.#move(this.node(name), 'queued')
    this.#settle()
  }

  retry(name: string): void {
    if (this.status === 'failed') this.status = 'running'
    this.#ready(this.node(name))
    this.#settle()
  }

  skip(name: string): void {
    if (this.status === 'failed') this.status = 'running'
    const node = this.node(name)
    this.#move(node, 'skipped')
    this.#tell(node, 'finished')
    this.#settle()
  }

  #begin(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    for (const node of this.nodes.values()) if (node.parents.size === 0 && node.state === 'waiting') this.#ready(node)
    this.#settle()
  }

  #move(node: ModelNode, to: string): void {
    node.state = to
    node.due = false
  }

  #ready(node: ModelNode): void {
    this.#move(node, this.status === 'running' ? 'queued' : 'held')
  }

  #tell(parent: ModelNode, how: string): void {
    for (const child of this.nodes.values()) {
      const when = child.parents.get(parent.name)
      const word = when === undefined ? undefined : told[how]?.[when]
      // Failure branches have run, so only edges that waited for the success are left.
      if (word === undefined || (parent.failedBefore && when !== '')) continue
      assert.ok(!child.heard.has(parent.name), `${child.name} hears of the end of ${parent.name} once`)
      child.heard.set(parent.name, word)
      this.#decide(child)
    }
  }

  #decide(node: ModelNode): void {
    if (node.state !== 'waiting') return
    const words = [...node.heard.values()]
    if (!words.includes('veto') && words.length < node.parents.size) return
    if (words.includes('pass') && !words.includes('veto')) return this.#ready(node)
    this.#move(node, 'skipped')
    this.#tell(node, 'skipped')
  }

  /** A run in which nothing can move has ended. */
  #settle(): void {
    if (this.status !== 'running' || this.in('queued', 'delayed', 'running').length > 0) return
    this.status = this.in('failed', 'waiting').length > 0 ? 'failed' : 'finished'
  }
}
