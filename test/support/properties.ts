import fc from 'fast-check'

/** Inputs of each parser: a share of the 10,000 that `npm run fuzz` gives it. */
export const inputCount = Number(process.env.PROPERTY_RUNS ?? 0)

/**
 * One seed for the properties of a file, so that a run can be had again: PROPERTY_SEED, or a fixed one. Printed, since a
 * failure is of no use without it.
 */
export function useSeed(): number {
  const seed = Number(process.env.PROPERTY_SEED ?? 20_271)
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed })
  console.log(`seed ${seed}; PROPERTY_SEED changes it`)
  return seed
}

/** How often a property is tried: `few` in `npm test`, PROPERTY_RUNS in `npm run fuzz`, but `most` where each try is slow. */
export const runs = (few: number, most = Infinity): number => Math.min(inputCount || few, most)
