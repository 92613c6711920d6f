import fc from 'fast-check'
import type { Sketch } from './support.ts'

/** How the end of a step goes: `veto` is a good end that skips its children. */
export type End = 'done' | 'failed' | 'veto'

/** What an edge tells its child, by how its parent ended and by its condition (docs/states.md). */
export const told: Record<string, Partial<Record<string, 'pass' | 'skip' | 'veto'>>> = {
  finished: { '': 'pass', '!': 'skip', '~': 'pass' },
  vetoed: { '': 'veto', '!': 'skip', '~': 'pass' },
  failed: { '!': 'pass', '~': 'pass' },
  skipped: { '': 'skip', '!': 'skip', '~': 'pass' },
}

/** Up to twelve nodes; each hangs on some of those before it, under any condition. */
export const graphs: fc.Arbitrary<Sketch> = fc
  .array(fc.array(fc.tuple(fc.nat(), fc.constantFrom('', '', '', '!', '~')), { maxLength: 4 }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((nodes) =>
    Object.fromEntries(
      nodes.map((parents, i) => {
        const chosen = i === 0 ? [] : parents.map(([pick, when]) => [pick % i, when] as const)
        return [`n${i}`, [...new Map(chosen)].map(([parent, when]) => `${when}n${parent}`)]
      }),
    ),
  )
