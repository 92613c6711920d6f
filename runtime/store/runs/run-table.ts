/**
 * How a run's nodes and edges lie in Redis: three strings of little-endian numbers. The scripts read and write the same
 * layout (lua/include/run-node.lua). A hundred thousand nodes in a chain take 5 MB, and one node is found by its index.
 */

/** Bytes of one node's record. */
export const nodeBytes = 44
/** An edge is its other end's index, with its condition in the two highest bits. */
const edgeId = 2 ** 30
const conditions = ['finished', 'failed', 'ended'] as const
/** A flag of the record: some parent let it go on. A node without parents has it from the start. */
const passed = 1
/** Node states by their code; docs/states.md says what they mean. */
export const storedStates = [
  'staged',
  'waiting',
  'delayed',
  'queued',
  'running',
  'finished',
  'failed',
  'skipped',
  'held',
] as const

/** A node's state, as stored. */
export type StoredState = (typeof storedStates)[number]
/** What lets an edge's child go on. */
export type EdgeCondition = (typeof conditions)[number]

/** One end of an edge. */
export interface StoredEdge {
  from: number
  when: EdgeCondition
}

/** A node to be written. */
export interface NewNode {
  /** Index into the run's kinds. */
  kind: number
  parents: readonly StoredEdge[]
  /** JSON text. */
  params?: string
  label?: string
}

/** Where the new nodes go in strings that may already hold others. */
export interface Placement {
  state: 'waiting' | 'staged'
  /** Index of the first new node. */
  first: number
  /** Edges already in the edge strings. */
  childrenAt: number
  parentsAt: number
  /** New node → existing nodes that shall wait for it. */
  before?: ReadonlyMap<number, readonly number[]>
}

/** The bytes of new nodes and their edges. */
export interface Layout {
  table: Buffer
  children: Buffer
  parents: Buffer
}

/** Lays nodes out. Edges from existing nodes stand only in `parents`: such a parent gets its child when the node joins the run. */
export function layOut(nodes: readonly NewNode[], place: Placement): Layout {
  const { first } = place
  const counts = new Uint32Array(nodes.length)
  for (const node of nodes) for (const edge of node.parents) if (edge.from >= first) counts[edge.from - first]! += 1
  const offsets = new Uint32Array(nodes.length)
  let childTotal = 0
  let parentTotal = 0
  nodes.forEach((node, i) => {
    offsets[i] = childTotal
    childTotal += counts[i]! + (place.before?.get(first + i)?.length ?? 0)
    parentTotal += node.parents.length
  })
  const layout: Layout = {
    table: Buffer.alloc(nodes.length * nodeBytes),
    children: Buffer.alloc(childTotal * 4),
    parents: Buffer.alloc(parentTotal * 4),
  }
  const filled = offsets.slice()
  let parentAt = 0
  nodes.forEach((node, i) => {
    for (const edge of node.parents) {
      layout.parents.writeUInt32LE(packEdge(edge), parentAt * 4)
      parentAt += 1
      if (edge.from >= first) {
        const slot = filled[edge.from - first]!++
        layout.children.writeUInt32LE(packEdge({ from: first + i, when: edge.when }), slot * 4)
      }
    }
  })
  writeBefore(layout.children, filled, place)
  writeRecords(layout.table, nodes, place, offsets, filled)
  return layout
}

function writeBefore(children: Buffer, filled: Uint32Array, { before, first }: Placement): void {
  for (const [node, targets] of before ?? []) {
    for (const target of targets) children.writeUInt32LE(target, filled[node - first]!++ * 4)
  }
}

function writeRecords(
  table: Buffer,
  nodes: readonly NewNode[],
  place: Placement,
  offsets: Uint32Array,
  filled: Uint32Array,
): void {
  let parentAt = place.parentsAt
  nodes.forEach((node, i) => {
    const at = i * nodeBytes
    const parents = node.parents.length
    table.writeUInt8(storedStates.indexOf(place.state), at)
    table.writeUInt8(parents === 0 ? passed : 0, at + 1)
    table.writeUInt16LE(node.kind, at + 2)
    // A staged node holds one open parent more, until its addition joins the run.
    table.writeUInt32LE(parents + (place.state === 'staged' ? 1 : 0), at + 4)
    table.writeUInt32LE(place.childrenAt + offsets[i]!, at + 8)
    table.writeUInt32LE(filled[i]! - offsets[i]!, at + 12)
    table.writeUInt32LE(parentAt, at + 16)
    table.writeUInt32LE(parents, at + 20)
    parentAt += parents
  })
}

/** One node's record, read. */
export interface NodeRow {
  index: number
  state: StoredState
  kind: number
  /** Parents that have not ended. */
  open: number
  childrenAt: number
  childCount: number
  parentsAt: number
  parentCount: number
  /** Attempts begun. */
  attempts: number
  /** Of the last attempt; nothing while the node waits on its queue, where these bytes say since when. */
  startedAt: number | undefined
  endedAt: number | undefined
}

/** Reads the records in a piece of the table that begins with node `first`. */
export function readRows(table: Buffer, first: number): NodeRow[] {
  return Array.from({ length: Math.floor(table.length / nodeBytes) }, (_, i) => {
    const at = i * nodeBytes
    const state = storedStates[table.readUInt8(at)] ?? 'staged'
    const attempts = table.readUInt32LE(at + 24)
    const hasBegun = attempts > 0 && state !== 'queued'
    return {
      index: first + i,
      state,
      kind: table.readUInt16LE(at + 2),
      open: table.readUInt32LE(at + 4),
      childrenAt: table.readUInt32LE(at + 8),
      childCount: table.readUInt32LE(at + 12),
      parentsAt: table.readUInt32LE(at + 16),
      parentCount: table.readUInt32LE(at + 20),
      attempts,
      startedAt: (hasBegun && table.readDoubleLE(at + 28)) || undefined,
      endedAt: table.readDoubleLE(at + 36) || undefined,
    }
  })
}

/** Reads a piece of an edge string. */
export function readEdges(bytes: Buffer): StoredEdge[] {
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => {
    const packed = bytes.readUInt32LE(i * 4)
    return { from: packed % edgeId, when: conditions[Math.floor(packed / edgeId)] ?? 'finished' }
  })
}

/**
 * Reads the parents that a node was given while its run was running: pairs of first and count.
 * @param nodes how many the table has: there are no more parents, whatever a count in Redis says
 */
export function readAddedParents(bytes: Buffer, nodes: number): StoredEdge[] {
  const edges: StoredEdge[] = []
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const [first, count] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)]
    const end = Math.min(first + count, nodes)
    for (let from = first; from < end && edges.length < nodes; from += 1) edges.push({ from, when: 'finished' })
  }
  return edges
}

function packEdge(edge: StoredEdge): number {
  return edge.from + conditions.indexOf(edge.when) * edgeId
}
